"""Out of memory with and without a header, in control groups, in all spellings."""

import pytest
from asking import failures, parts, told

GROUP = (
    "Task in /a/b killed as a result of limit of /a\n"
    "memory: usage 524288kB, limit 524288kB, failcnt 38\n"
    "memory+swap: usage 524288kB, limit 9007199254740988kB, failcnt 0\n"
    "Memory cgroup stats for /a: cache:507172KB rss:448KB shmem:28KB dirty:503316KB\n"
)
NEW_GROUP = (
    "memory: usage 102400kB, limit 102400kB, failcnt 7\n"
    "swap: usage 0kB, limit 0kB, failcnt 0\n"
    "Memory cgroup stats for /b:\nanon 4096000\nfile 90112000\nkernel_stack 36864\nshmem 90000000\nfile_dirty 0\n"
    "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=/b,task_memcg=/b/c,"
    "task=python3,pid=77,uid=0\n"
    "Memory cgroup out of memory: Killed process 77 (python3) total-vm:20000kB, anon-rss:4000kB, file-rss:10kB, "
    "shmem-rss:0kB, UID:0 pgtables:100kB oom_score_adj:0\n"
)
HEADER = "sh invoked oom-killer: gfp_mask=0x200da, order=0, oom_score_adj=0\n"


@pytest.mark.parametrize(
    ("text", "killed"),
    [
        ("Out of Memory: Killed process 1234 (httpd).\n", ["httpd (1234)"]),
        ("Out of Memory: Kill process 1 (init) score 9 and children.\nOut of memory: Killed process 7 (cron).\n",
         ["cron (7)"]),
        ("Out of memory: kill process 12 (rm) score 12 or a child\nKilled process 13 (cp)\n", ["cp (13)"]),
        ("Out of memory: kill process 12 (rm) score 12 or a child\n", ["rm (12)"]),
        ("Out of memory: Kill process 12 (rm) score 834 or sacrifice child\nKilled process 12 (rm) total-vm:42kB, "
         "anon-rss:28kB, file-rss:0kB, shmem-rss:0kB\n", ["rm (12)"]),
        ("Out of memory: Killed process 13021 (kodi.bin) total-vm:1099788kB, anon-rss:148084kB\n",
         ["kodi.bin (13021)"]),
        ("Out of memory (oom_kill_allocating_task): Killed process 5 (a b)\n", ["a b (5)"]),
        ("Killed process 9 ((sd-pam)) vsz:1kB, anon-rss:2kB, file-rss:3kB\n", ["(sd-pam) (9)"]),
        ("Killed process 15462, UID 500, (t) total-vm:233384kB, anon-rss:51228kB, file-rss:384kB\n", ["t (15462)"]),
        ("VM: killing process busybox\n", ["busybox"]),
        ("Out of memory: Killed process 13021 (kodi.b\n", ["a process (13021)"]),
        ("Out of memory: Kill process 12 (rm) sco\n", ["rm (12)"]),
        ("Out of memory and no killable processes...\n", []),
    ],
)  # fmt: skip
def test_a_kill_without_a_header_is_told(text, killed):
    (failure,) = failures(text)
    assert (failure["kind"], failure["killed"], failure["order"], failure["reason"]) == ("oom", killed, None, "unknown")
    assert all(name in told(text) for name in killed)


def test_kills_without_headers_are_each_told():
    line = "Out of memory: Killed process {} ({}) total-vm:1kB, anon-rss:1kB, file-rss:1kB, shmem-rss:0kB\n"
    found = failures(line.format(1, "a") + line.format(2, "b"))
    assert [failure["killed"] for failure in found] == [["a (1)"], ["b (2)"]]


def test_a_kill_after_its_header_belongs_to_it():
    found = failures(HEADER + "Out of memory: Kill process 1 (a) score 1 or sacrifice child\nKilled process 2 (b)\n")
    assert [(failure["process"], failure["killed"]) for failure in found] == [("sh", ["b (2)"])]


def test_threads_that_share_memory_are_killed_together():
    found = failures(HEADER + "Killed process 2 (b)\nKilled process 3 (c)\n")
    assert [failure["killed"] for failure in found] == [["b (2)", "c (3)"]]


def test_a_header_of_2_6_10_has_no_name():
    assert parts("oom-killer: gfp_mask=0x1d2, order=2\n") == [(None, None, None, 2, "unknown")]


@pytest.mark.parametrize("header", ["", HEADER])
def test_a_control_group_is_named_with_its_limit(header):
    text = header + GROUP + "Memory cgroup out of memory: Kill process 3 (x) score 0 or sacrifice child\n"
    (failure,) = failures(text)
    assert (failure["reason"], failure["contiguous"], failure["killed"]) == ("control-group", False, ["x (3)"])
    answer = told(text)
    assert "the control group /a," in answer
    assert "Use of memory: 524288 of 524288 kB, refused 38 times" in answer
    assert "memory+swap: 524288 kB, no limit" in answer
    assert (
        "448 kB memory of programs and 507172 kB cache of files (28 kB in tmpfs or shared, 503316 kB dirty)" in answer
    )
    assert "503316 kB of the 507172 kB cache were dirty" in answer


def test_a_control_group_of_new_kernels_has_bytes():
    answer = told(NEW_GROUP)
    assert "the control group /b" in answer
    assert "4000 kB memory of programs and 88000 kB cache of files (87890 kB in tmpfs or shared)" in answer
    assert "Remove files from the group's tmpfs" in answer
    assert failures(NEW_GROUP)[0]["killed"] == ["python3 (77)"]


def test_a_call_trace_tells_a_control_group():
    text = HEADER + "[   13.958013]  mem_cgroup_out_of_memory+0x36/0x50\n"
    assert parts(text) == [("sh", None, None, 0, "control-group")]
    assert parts("[   13.958013]  mem_cgroup_out_of_memory+0x36/0x50\n") == []


def test_a_kill_of_a_group_alone_is_of_a_group():
    line = "Memory cgroup out of memory: Killed process 77 (python3) total-vm:20000kB, anon-rss:4000kB, file-rss:10kB\n"
    assert parts(line) == [(None, None, None, None, "control-group")]


def test_a_group_that_is_killed_as_a_whole_is_one_failure():
    line = "Memory cgroup out of memory: Killed process {} ({}) total-vm:1kB, anon-rss:1kB, file-rss:1kB\n"
    text = (
        line.format(1, "a") + "Tasks in /g are going to be killed due to memory.oom.group set\n" + line.format(2, "b")
    )
    assert [failure["killed"] for failure in failures(text)] == [["a (1)", "b (2)"]]


def test_a_page_fault_is_no_request():
    assert "gfp_mask=0x0 is no request" in told(HEADER.replace("0x200da", "0x0"))
    assert "is no request" not in told(HEADER)


@pytest.mark.parametrize(
    ("constraint", "words"),
    [
        ("CONSTRAINT_CPUSET,nodemask=(null),cpuset=small,mems_allowed=1", "the nodes 1 only (cpuset small)"),
        (
            "CONSTRAINT_MEMORY_POLICY,nodemask=0,2-3,cpuset=/,mems_allowed=0-3",
            "the request to the nodes 0,2-3",
        ),
    ],
)
def test_a_constraint_is_told(constraint, words):
    text = HEADER + f"oom-kill:constraint={constraint},task_memcg=/,task=sh,pid=3,uid=0\n"
    assert words in told(text)
    assert "control group" not in told(text)
