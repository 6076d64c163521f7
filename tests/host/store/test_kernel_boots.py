"""Which boots of an agent are in one boot of the kernel."""

import pytest
from boards import boot, kernel_event
from buddywatch.store.store import Store


@pytest.fixture
def store(tmp_path):
    with Store.open(tmp_path / "a.db") as store:
        yield store


def test_reboot_is_another_kernel_though_a_board_without_entropy_gives_it_the_same_id(store):
    store.add_boot("xp", boot())
    store.add_event("xp", kernel_event(3, 15000))
    store.add_boot("xp", boot("0000b002", "reboot"))
    assert store.rules_history("xp").kernel_events == ()
    store.add_boot("xp", boot("0000b003", "agent-restart"))
    assert [one.boot_id for one in store.rules_history("xp").kernel_boots] == ["0000b002", "0000b003"]
