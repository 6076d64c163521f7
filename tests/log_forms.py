"""A line of the kernel as logs, terminals and tools show it: what they put before it, and behind."""

FORMS = [
    "{}",
    "   {}",
    "<4>{}",
    "<4>[  533.797044] {}",
    "[  533.797044] {}",
    "[  533.797044][   T94] {}",
    "[  533.797044] [ C1] {}",
    "[  533.797044@1] {}",
    "kern  :warn  : [  533.797044] {}",  # dmesg -x
    "kern  :err   : [Sun Nov 22 10:00:00 2026] {}",  # dmesg -xT
    "kern  :warn  : {}",  # dmesg -xt
    "[  533.797044 <    0.000123>] {}",  # dmesg -d
    "[<    0.000123>] {}",
    "[  +0.000123] {}",  # dmesg -H
    "[Nov22 10:00] {}",
    "[Nov22 10:00:01] {}",
    "[Sun Nov 22 10:00:00 2026] {}",  # dmesg -T
    "2026-11-22T10:00:00,123456+01:00 {}",  # dmesg --time-format iso
    "[2026-11-22 10:00:00] [  533.797044] {}",  # minicom
    "[10:00:00.123] [  533.797044] {}",  # tio
    "[2026-11-22 10:00:00.123] {}",
    "[533.797044 0.000123] {}",  # grabserial
    "[533.797044 0.000123] [  533.797044] {}",
    "Nov 22 10:00:00 [  533.797044] {}",  # ts
    "Nov 22 10:00:00 {}",
    "2026-11-22 10:00:00.123 {}",
    "2026-11-22 10:00:00 | {}",
    "1774264500.123456 {}",
    "10:00:00 {}",
    "10:00:00.123 -> {}",
    "Nov 22 10:00:00 board kernel: {}",  # syslog
    "Nov 22 10:00:00 board kernel: [  533.797044] {}",
    "Nov 22 10:00:00 board kernel: : [  533.797044] {}",
    "Nov 22 10:00:00 (none) user.warn kernel: {}",  # BusyBox
    "Nov 22 10:00:00 board kern.warn kernel: [  533.797044] {}",
    "Sun Nov 22 10:00:00 2026 kern.warn kernel: [  533.797044] {}",  # logread of OpenWrt
    "2026-11-22T10:00:00.123456+01:00 board kernel: [  533.797044] {}",  # rsyslog
    "<4>1 2026-11-22T10:00:00Z board kernel - - - [  533.797044] {}",  # RFC 5424
    "Nov 22 10:00:00 board kernel[0]: {}",  # journalctl
    "Nov 22 10:00:00.123456 board kernel: {}",
    "2026-11-22T10:00:00+0100 board kernel: {}",
    "[  533.797044] board kernel: {}",
    "    MESSAGE={}",
    "kernel: {}",
    "kernel:{}",
    "[kernel] [  533.797044] {}",
    "KERNEL: {}",
    "ttyS0: {}",
    "ttyUSB0> [  533.797044] {}",
    "console: {}",
    "123:{}",  # grep -n
    "123:[  533.797044] {}",
    "/var/log/messages:123:Nov 22 10:00:00 board kernel: {}",
    "dmesg.txt:{}",
    "boot.log:17:[  533.797044] {}",
    "   123\t{}",  # cat -n
    "   123  [  533.797044] {}",
    "root@board:~# [  533.797044] {}",  # after a prompt
    "root@board:~# {}",
    "/ # [  533.797044] {}",
    "/ # {}",
    "~ $ {}",
    "# {}",
    "# [  533.797044] {}",
    "$ {}",
    "- {}",
    "* {}",
    "\u2022 {}",
    "> {}",
    "> > | {}",
    ">> [  533.797044] {}",
    "`{}`",
    "```{}",
    '"{}"',
    "'{}'",
    "\u201c{}\u201d",
    '{{"log":"{}\\n","stream":"stdout","time":"2026-11-22T10:00:00.123456789Z"}}',  # docker
    '{{"log":"\\u003c4\\u003e[  533.797044] {}\\r\\n","stream":"stderr"}}',
    '{{"time":"2026-11-22T10:00:00Z","message":"{}"}}',
    '{{ "MESSAGE" : "{}", "PRIORITY" : "4" }}',
    "2026-11-22T10:00:00.123456789Z stdout F {}",  # Kubernetes
    "web-1  | {}",  # docker compose
    "2026-11-22 10:00:00,board,kern,warn,{}",  # CSV
    '"2026-11-22 10:00:00","board","{}"',
    "2026-11-22 10:00:00;board;{}",
    "<td>{}</td>",
    '<tr><td>533.79</td><td class="msg">{}</td></tr>',
    "<p>{}<br>",
    "&lt;4&gt;[  533.797044] {}",
    "&gt; {}",
    "11-22 10:00:00.123     0     0 W         : {}",  # logcat
    "11-22 10:00:00.123     0     0 W kernel  : [  533.797044] {}",
    "W/kernel  (    0): {}",
    "4,1234,533797044,-;{}",  # /dev/kmsg
    "4,1234,533797044,-,caller=T94;{}",
    "...{}",
    "\u2026 {}",
    "<4>[  533.797044s][pid:94,cpu0,mmcqd/1]{}",
]

# What stands before the line alone.
PREFIXES = [form.removesuffix("{}") for form in FORMS if form.endswith("{}")]
