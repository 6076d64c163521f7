"""Texts for the tables of kinds: failures with dumps of one or two zones, as kernels print them."""

from buddywatch.explain.answers import explain
from buddywatch.explain.remedies import remedies
from buddywatch.kernel_text.state import Options


def blocks(counts, letters=""):
    """A list of free blocks of 4 kB and larger, as a dump has it."""
    tell = f" ({letters})" if letters else ""
    listed = " ".join(f"{count}*{4 << order}kB{tell if count else ''}" for order, count in enumerate(counts))
    return f"{listed} = {sum(count * (4 << order) for order, count in enumerate(counts))}kB"


def zone(counts, min_kb=360, name="Normal", letters="", reserves="0 0 0 0", low_kb=None, **values):
    """A zone's two lines. values: further pairs of the zone line, in kB."""
    counts = [*counts, *[0] * (11 - len(counts))]
    free = sum(count * (4 << order) for order, count in enumerate(counts))
    more = "".join(f" {key}:{kb}kB" for key, kb in values.items())
    low = low_kb if low_kb is not None else min_kb * 5 // 4
    boost = f" boost:{values['boost']}kB" if "boost" in values else ""
    more = more.replace(f" boost:{values.get('boost')}kB", "")
    return (
        f"{name} free:{free}kB{boost} min:{min_kb}kB low:{low}kB high:{low + 90}kB{more}\n"
        f"lowmem_reserve[]: {reserves}\n",
        f"{name}: {blocks(counts, letters)}\n",
    )


def dump(*zones, header="", footer=""):
    return f"Mem-Info:\n{header}" + "".join(z[0] for z in zones) + "".join(z[1] for z in zones) + footer


def page(order, mode="0xcc0(GFP_KERNEL)", process="app"):
    return f"{process}: page allocation failure: order:{order}, mode:{mode}\n"


def oom(order=0, mode="0xcc0(GFP_KERNEL)"):
    return f"app invoked oom-killer: gfp_mask={mode}, order={order}, oom_score_adj=0\n"


def alloc(size_bytes, process="rm", pid=37):
    return f"nommu: Allocation of length {size_bytes} from process {pid} ({process}) failed\n"


LOADED = "binfmt_flat: Unable to allocate RAM for process data, errno -12\n"


def cases(text, release="6.1.0", **options):
    return explain(text, Options(release=release, **options)).failures


def case(text, release="6.1.0", **options):
    (found,) = cases(text, release, **options)
    return found


def advice(found):
    """{what: remedy} of a case."""
    return {remedy.what: remedy for remedy in remedies(found)}


def helping(found):
    """The words of what helps, in order."""
    return [remedy.what for remedy in remedies(found) if remedy.helps]
