"""The board's clock, if /proc/uptime is lost or starts again."""

from test_sample import Board


def test_uptime_goes_on_when_it_is_lost():
    with Board("fresh-4k-bflt") as board:
        board.poll()
        before = board.sampler.vector[0]
        board.write("uptime", b"soon\n")
        board.poll()
        last = board.sampler.vector[0]
        assert last >= before > 0
        while board.sampler.uptime_cs() < last + 3:
            pass


def test_uptime_that_begins_anew_goes_on():
    """jiffies of 32 bits at 100 Hz come to 42949672.95 s."""
    with Board("fresh-4k-bflt") as board:
        board.write("uptime", b"42949672.10 1.00\n")
        board.poll()
        assert board.sampler.vector[0] == 4294967210
        board.write("uptime", b"3.20 1.00\n")
        board.poll()
        wrapped = board.sampler.vector[0]
        assert 4294967210 <= wrapped < 4294967210 + 60000
        board.write("uptime", b"8.25 1.00\n")
        board.poll()
        assert board.sampler.vector[0] == wrapped + 505


def test_uptime_that_begins_anew_again_goes_on():
    with Board("fresh-4k-bflt") as board:
        last = 0
        for text, at_least_cs in (
            (b"42949672.10 1.00\n", 4294967210),
            (b"3.20 1.00\n", 4294967210),
            (b"42949000.20 1.00\n", 4294967210 + 4294899700),
            (b"1.10 1.00\n", 4294967210 + 4294899700),
            (b"9.10 1.00\n", 4294967210 + 4294899700 + 800),
        ):
            board.write("uptime", text)
            board.poll()
            up_cs = board.sampler.vector[0]
            assert up_cs >= last, (text, last)
            assert at_least_cs <= up_cs < at_least_cs + 60000, (text, up_cs)
            last = up_cs
