"""What the user is told of two boards with one name."""

from __future__ import annotations

from buddywatch.collect.twins import Split
from buddywatch.links.connection import Connection


def split_words(called: str, split: Split[Connection]) -> str:
    first = f"boot {split.first_boot_id} over {split.first_link.url}"
    later = f"boot {split.later_boot_id} over {split.later_link.url}"
    return (
        f"two boards call themselves {called}: {first} and {later}; "
        f"the second is kept as {split.name} until one gets another name "
        f"(?board=NAME in its link, or buddyd --name), "
        f"and settings for {called} apply to both"
    )
