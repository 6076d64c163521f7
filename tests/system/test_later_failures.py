"""While the alert about the kernel's first failure is open, mail comes about another program and about a victim."""

from pathlib import Path

import story
from system_parts import Command, Scene, mail_config, mail_server, text_of, wait_for_mail

OTHER = "Allocation of length 61440 from process 6830 (ls) failed"
# 2.6.30 where `dmesg` asks for 32 kB in one piece; captures/frag-4k-bflt-2.6.30-files.
VICTIM = (
    "dmesg invoked oom-killer: gfp_mask=0xd0, order=3, oomkilladj=0",
    "Out of memory: kill process 20 (telnetd) score 0 or a child",
    "Killed process 20 (telnetd)",
)


def test_another_program_and_a_victim_are_mailed(tmp_path: Path, cpython: Command) -> None:
    with mail_server() as server, Scene(tmp_path, cpython, config="[alert]\nbatch = 0\n") as scene:
        scene.config.write_text("[alert]\nbatch = 0\n" + mail_config(server, tmp_path))
        collector = scene.collect(scene.stage.telnet_url)
        scene.raise_curtain()
        scene.play([story.State(story.REBOOT, 900)])
        scene.stage.board.kernel_says(story.KERNEL_LINE)
        first = wait_for_mail(server, lambda mail: "to rm" in mail.message["Subject"], "about rm")
        for _ in range(3):
            scene.stage.board.kernel_says(story.KERNEL_LINE.replace("6821", "6822"))
        scene.stage.board.kernel_says(OTHER)
        other = wait_for_mail(server, lambda mail: "to ls" in mail.message["Subject"], "about ls")
        for line in VICTIM:
            scene.stage.board.kernel_says(line)
        victim = wait_for_mail(server, lambda mail: "killed telnetd" in mail.message["Subject"], "about telnetd")
        scene.settle()
        assert collector.stop() == 0
    assert [mail.message["Subject"].strip() for mail in server.mails] == [
        "[buddywatch] CRIT xport: the kernel refused 61440 bytes to rm (pid 6821)",
        "[buddywatch] CRIT xport: the kernel refused 61440 bytes to ls (pid 6830)",
        "[buddywatch] CRIT xport: the kernel killed telnetd (pid 20) to free memory: nobody can log in without it",
    ]
    assert {first.message["Message-ID"]} == {mail.message["References"].split()[0] for mail in (other, victim)}
    places = [text_of(victim).index(line) for line in VICTIM]
    assert places == sorted(places)  # as the kernel said it
    assert scene.cli("alerts").out.count("kernel_failure") == 1  # one alert, and the mails are one thread
