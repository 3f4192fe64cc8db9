"""All processes in pictures: `python -m analysis.figures.gallery docs` writes docs/gallery.md,
docs/gallery/*.png and the thumbnails among them.
"""

import inspect
import sys
from pathlib import Path

from PIL import Image

import processes
from processes.values.whole_file import replacing, write_text

from .portrait import save_portrait, save_thumbnail

HEAD = """# Gallery

Every process of the catalogue at its published parameters: the beliefs that an observer of it can hold. A
thumbnail leads to the process.

{thumbnails}

Below, each at full size. Left: the beliefs (on the triangle of three hidden states, or on the first two
principal axes; area: probability). Middle: the states, with `symbol:probability` on the edges. Right: h(L),
the entropy of a symbol given the L-1 before it, and the entropy rate h that it falls to (nats). Generalised
hidden Markov models have no states that a graph could show; their beliefs are coloured by the next-token
distribution.

`toylab process NAME --figure FILE.png` draws any process, and this page is made by `python -m
analysis.figures.gallery docs`.
"""


def gallery(docs: Path) -> list[Path]:
    """Write gallery.md, and one figure and one thumbnail per process and published parameter set; returns
    the figures.
    """
    parts, files, thumbnails = [], [], []
    for name, entry in processes.CATALOGUE.items():
        first, _, rest = (inspect.getdoc(entry.build) or "").partition("\n")
        parts.append(f"## {name}\n\n{first}\n{rest}".rstrip() + "\n")
        for label, written in entry.sets.items():
            file = docs / "gallery" / f"{name}-{label}.png"
            process = processes.named(f"{name}:{label}")
            save_portrait(process, file, dpi=110)
            fewer_colours(file)
            small = docs / "gallery" / "thumbnails" / file.name
            save_thumbnail(process, f"{name}:{label}", small)
            fewer_colours(small)
            files.append(file)
            parts.append(
                f"`{name}:{label}` = `{name}({written})`\n\n![{name} {label}](gallery/{file.name})\n"
            )
            thumbnails.append(f"[![{name}:{label}](gallery/thumbnails/{small.name})](#{name})")
    head = HEAD.format(thumbnails="\n".join(thumbnails))
    write_text(docs / "gallery.md", "\n".join([head, *parts]))
    return files


def fewer_colours(file: Path) -> None:
    """Write a picture again with 256 colours, which are enough here, and half the bytes."""
    with Image.open(file) as full, replacing(file) as part:
        few = full.convert("RGB").quantize(256, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
        few.save(part, format="png", optimize=True)


if __name__ == "__main__":
    for drawn in gallery(Path(sys.argv[1] if len(sys.argv) > 1 else "docs")):
        print(drawn)
