"""What kernels print, read once: dmesg, buddyinfo, zoneinfo, meminfo in any mixture and any damage.

In: text. Out: failures, memory states and facts of the kernel, with line numbers.
May touch: nothing; one line of the kernel log is parsed by buddyd.sources.kernel_messages.
"""
