"""rm: what it removes, what it leaves, and what it says, in BusyBox's words."""

import os

from places_of_files import Place


def test_rm_removes_files_and_says_what_it_cannot():
    with Place() as place:
        place.write("a", b"")
        place.write("b", b"")
        place.write("d/c", b"")
        assert place.works(b"rm", b"%s/a") == b""
        assert place.fails(b"rm", b"%s/a") == b"rm: can't remove '%s/a': No such file or directory\n"
        assert place.fails(b"rm", b"%s/d", b"%s/b") == b"rm: '%s/d' is a directory\n"
        assert place.names() == ["d"]
        assert place.works(b"rm", b"-f", b"%s/a") == b""
        assert place.fails(b"rm", b"%s/d/..") == b"rm: can't remove '.' or '..'\n"
        assert place.fails(b"rm", b"-r", b"//") == b"rm: can't remove '/': it is refused\n"
        assert place.fails(b"rm") == b"Usage: rm [-rf] FILE...\n"
        assert place.fails(b"rm", b"-z", b"x") == b"rm: invalid option -- 'z'\n"
        assert place.fails(b"rm", b"-i", b"x") == b"rm: -i asks questions, which nobody here can answer\n"


def test_rm_of_a_folder_follows_no_link():
    with Place() as place:
        for number in range(60):
            place.write("tree/%d/%d" % (number % 7, number), b"x")
        place.write("kept/file", b"x")
        place.link("../kept", "tree/3/link")
        place.link("link2", "tree/link1")
        place.link("link1", "tree/link2")
        assert place.works(b"rm", b"-rf", b"%s/tree/") == b""
        assert place.names() == ["kept"]
        assert place.read("kept/file") == b"x"


class Fixed:
    """`with Fixed(folder)`: nothing in it can be removed, for root neither; can: whether this machine has that."""

    def __init__(self, folder):
        self.folder = folder

    def __enter__(self):
        os.system('chattr +i "%s" 2>/dev/null || chmod 555 "%s"' % (self.folder, self.folder))
        self.can = os.system('touch "%s/probe" 2>/dev/null' % self.folder) != 0
        return self

    def __exit__(self, *exc):
        os.system('chattr -i "%s" 2>/dev/null; chmod 755 "%s"' % (self.folder, self.folder))


def test_rm_of_a_folder_goes_on_after_a_failure():
    with Place() as place:
        for number in range(40):
            place.write("tree/%d/%d" % (number % 5, number), b"x")
            place.write("tree/a%d" % number, b"x")
        place.write("tree/2/fixed/one", b"x")
        place.write("tree/2/fixed/two", b"x")
        place.write("other", b"x")
        with Fixed(place.scratch.path + "/tree/2/fixed") as fixed:
            if not fixed.can:
                return
            output, failure, code = place.run(b"rm", b"-r", b"%s/tree", b"%s/other")
        lines = failure.split(b"\n")[:-1]
        assert (output, code, len(lines)) == (b"", 1, 2), failure
        assert [b"/tree/2/fixed/one'" in failure, b"/tree/2/fixed/two'" in failure] == [True, True]
        assert place.names() == ["tree"]
        assert place.names("/tree") == ["2"]
        assert place.names("/tree/2") == ["fixed"]
        assert place.works(b"rm", b"-r", b"%s/tree") == b""
