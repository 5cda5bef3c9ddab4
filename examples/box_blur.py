"""Blur a photograph by boxes of any size: four reads of a summed-area table for each pixel.

`python box_blur.py picture.jpg` draws the result as well.
"""

import sys

import matplotlib.cbook
import matplotlib.image
import numpy as np

import cumsum

with matplotlib.cbook.get_sample_data("grace_hopper.jpg") as file:
    image = matplotlib.image.imread(file, format="jpg")


def blur(image, radius):
    """The mean of each pixel's neighbours up to `radius` away, the edge repeated."""
    side = 2 * radius + 1
    padded = np.pad(image, ((radius, radius), (radius, radius), (0, 0)), mode="edge")
    table = cumsum.cumsum(padded, (0, 1), include_initial=True)
    boxes = (
        table[side:, side:] - table[:-side, side:] - table[side:, :-side] + table[:-side, :-side]
    )
    return (boxes // side**2).astype(np.uint8)


pictures = [image, blur(image, 4), blur(image, 20)]
for radius, picture in zip((0, 4, 20), pictures, strict=True):
    print(f"radius {radius:2}: mean {picture.mean():.1f}, deviation {picture.std():.1f}")
if len(sys.argv) > 1:
    joined = np.concatenate([p[:500, 56:456] for p in pictures], axis=1)
    matplotlib.image.imsave(sys.argv[1], joined[::2, ::2])
