"""Pixels of a scene: frames at any times and any size, and the dense labels that supervise the vision tower."""

from functools import lru_cache

import numpy as np
from PIL import Image

from scene import COLOUR_NAMES, COLOURS, DIRECTION_NAMES, GLYPHS, SHAPES, SIDE

CELL = 14
GRID = SIDE // CELL

_BITMAPS = {
    "0": ".###. #...# #..## #.#.# ##..# #...# .###.", "1": "..#.. .##.. ..#.. ..#.. ..#.. ..#.. .###.",
    "2": ".###. #...# ....# ...#. ..#.. .#... #####", "3": "##### ...#. ..#.. ...#. ....# #...# .###.",
    "4": "...#. ..##. .#.#. #..#. ##### ...#. ...#.", "5": "##### #.... ####. ....# ....# #...# .###.",
    "6": "..##. .#... #.... ####. #...# #...# .###.", "7": "##### ....# ...#. ..#.. .#... .#... .#...",
    "8": ".###. #...# #...# .###. #...# #...# .###.", "9": ".###. #...# #...# .#### ....# ...#. .##..",
    "heart": ".##.##. ####### ####### ####### .#####. ..###.. ...#...",
    "house": "...#... ..###.. .#####. ####### .#####. .##.##. .##.##.",
    "tree": "...#... ..###.. ..###.. .#####. ####### ...#... ...#...",
    "moon": "..####. .##.... ##..... ##..... ##..... .##.... ..####.",
    "arrow": "....#.. ....##. ####### ####### ####### ....##. ....#..",
    "bell": "...#... ..###.. .#####. .#####. .#####. ####### ...#...",
}


@lru_cache(maxsize=4096)
def glyph_mask(glyph, height):
    """Coverage in 0..1 of a glyph that is `height` pixels high."""
    rows = _BITMAPS[glyph].split()
    bits = np.array([[c == "#" for c in row] for row in rows], dtype=np.uint8) * 255
    big = Image.fromarray(bits.repeat(12, 0).repeat(12, 1))
    size = (max(1, round(height * len(rows[0]) / len(rows))), max(1, round(height)))
    return np.asarray(big.resize(size, Image.BOX), dtype=np.float32) / 255


def shape_distance(shape, x, y, r):
    """Signed distance (roughly) to the outline of a shape with radius r at the origin, negative inside; y points down."""
    if shape == "circle":
        return np.hypot(x, y) - r
    ax, ay = np.abs(x), np.abs(y)
    if shape == "square":
        return np.maximum(ax, ay) - 0.85 * r
    if shape == "triangle":
        y = y - 0.2 * r
        return np.maximum(y - 0.62 * r, 0.866 * ax - 0.5 * y - 0.62 * r)
    if shape == "cross":
        w = 0.33 * r
        return np.minimum(np.maximum(ax - r, ay - w), np.maximum(ax - w, ay - r))
    fold = np.pi / 5
    rho, outer, inner = np.hypot(x, y), 1.15 * r, 0.45 * r
    angle = np.abs((np.arctan2(x, -y) + fold) % (2 * fold) - fold)
    ex, ey = inner * np.cos(fold) - outer, inner * np.sin(fold)
    norm = np.hypot(ex, ey)
    return (ey * (rho * np.cos(angle) - outer) - ex * rho * np.sin(angle)) / norm


def _smooth(rng, cells, size):
    """Noise of `cells` x `cells` random values, enlarged smoothly."""
    coarse = Image.fromarray(rng.standard_normal((cells, cells)).astype(np.float32))
    return np.asarray(coarse.resize((size, size), Image.BICUBIC))


def background(shot, frames_span, scale):
    """A canvas that is large enough for the drift of the whole shot, f32 [S, S, 3]."""
    look = shot.background
    rng = np.random.default_rng(look["seed"])
    reach = int(np.ceil(np.abs(look["drift"]).max() * frames_span)) + 2
    side = SIDE + 2 * reach
    size = side * scale
    ramp = np.linspace(-1, 1, size, dtype=np.float32)
    tilt = rng.uniform(-1, 1, (2, 3)).astype(np.float32) * look["contrast"]
    canvas = look["base"].astype(np.float32) + ramp[:, None, None] * tilt[0] + ramp[None, :, None] * tilt[1]
    if look["kind"] == "noise":
        octaves = _smooth(rng, max(3, side // 20), size) + 0.6 * _smooth(rng, max(4, side // 7), size)
        canvas += octaves[:, :, None] * look["contrast"] * 0.55 * rng.uniform(0.6, 1.0, 3).astype(np.float32)
    elif look["kind"] == "stripes":
        angle, period = rng.uniform(0, np.pi), rng.uniform(7, 22) * scale
        axis = np.arange(size, dtype=np.float32)
        phase = (axis[:, None] * np.sin(angle) + axis[None, :] * np.cos(angle)) * (2 * np.pi / period)
        canvas += np.sin(phase)[:, :, None] * look["contrast"] * 0.6
    return canvas, reach


def draw(scene, times=None, scale=1):
    """Frames of the scene at `times` (default: the sampled frames), u8 [n, 112*scale, 112*scale, 3]."""
    times = np.arange(scene.frames, dtype=np.float64) if times is None else np.asarray(times, dtype=np.float64)
    frames = np.empty((len(times), SIDE * scale, SIDE * scale, 3), dtype=np.float32)
    for shot in scene.shots:
        _paint_background(frames, times, shot, scale)
    for thing in scene.things:
        _paint_thing(frames, times, thing, scale)
    for needle in scene.needles:
        _paint_needle(frames, times, needle, scale)
    return _add_noise(frames, scene, times)


def _paint_background(frames, times, shot, scale):
    inside = np.flatnonzero((times >= shot.start) & (times < shot.stop))
    if not len(inside):
        return
    first = max(shot.start, 0.0)
    canvas, reach = background(shot, min(shot.stop, times[-1] + 1) - first, scale)
    size = frames.shape[1]
    for i in inside:
        left, top = np.round((reach + shot.background["drift"] * (times[i] - first)) * scale).astype(int)
        frames[i] = canvas[top : top + size, left : left + size]


def _paint_thing(frames, times, thing, scale):
    size, r = frames.shape[1], thing.radius * scale
    half = int(np.ceil(1.25 * r)) + 2
    for i in np.flatnonzero(thing.visible(times)):
        x, y = (p * scale for p in thing.position(times[i]))
        left, top = max(int(x) - half, 0), max(int(y) - half, 0)
        right, bottom = min(int(x) + half, size), min(int(y) + half, size)
        if left >= right or top >= bottom:
            continue
        gx = np.arange(left, right, dtype=np.float32)[None, :] + np.float32(0.5 - x)
        gy = np.arange(top, bottom, dtype=np.float32)[:, None] + np.float32(0.5 - y)
        cover = np.clip(0.5 - shape_distance(thing.shape, gx, gy, r), 0, 1)[:, :, None]
        part = frames[i, top:bottom, left:right]
        part += cover * (np.array(COLOURS[thing.colour_at(times[i])], dtype=np.float32) - part)


def _paint_needle(frames, times, needle, scale):
    mask = glyph_mask(needle.glyph, round(needle.height * scale))[:, :, None]
    h, w = mask.shape[:2]
    top, left = round(needle.y * scale - h / 2), round(needle.x * scale - w / 2)
    rim = 2 * scale
    for i in np.flatnonzero(needle.visible(times)):
        if needle.plate:
            frames[i, max(top - rim, 0) : top + h + rim, max(left - rim, 0) : left + w + rim] = (14, 14, 14)
        part = frames[i, top : top + h, left : left + w]
        part += mask * 0.95 * (np.array(needle.ink, dtype=np.float32) - part)


def _add_noise(frames, scene, times):
    """Sensor noise from one tile, moved about: the same moment always has the same noise."""
    tile = np.random.default_rng([scene.seed, 77]).standard_normal((256, 256, 1)).astype(np.float32) * scene.noise
    size = frames.shape[1]
    tile = np.tile(tile, (1 + (size + 127) // 256, 1 + (size + 127) // 256, 1))
    for i, t in enumerate(times):
        row, column = (int(t * 8) * 37) % 128, (int(t * 8) * 91) % 128
        frames[i] += tile[row : row + size, column : column + size]
    return np.clip(frames, 0, 255).round().astype(np.uint8)


SEEN = {"shape": 6, "colour": 9, "direction": 6, "glyph": 17}
REMEMBERED = {"ordinal": 7, "repeat": 6, "moment": 41, "state": 4, "sighting": 6, "alike": 5, "toned": 5, "column": 9, "row": 9}


def dense_labels(scene):
    """What every merged token should know: u8 [T, 8, 8, 13], the classes of SEEN, then of REMEMBERED; 0 is nothing.

    SEEN follows from the two frames of the token. REMEMBERED needs what came before it: the how-manieth needle this is, how often this
    glyph has been shown, the time, whether the object has just appeared or has changed, where an object comes into view how many objects
    (of its shape, of its colour) have been seen by then, and where the object's centre lies, which the vision tower, whose positions are
    relative, cannot know.
    """
    steps = scene.frames // 2
    labels = np.zeros((steps, GRID, GRID, len(SEEN) + len(REMEMBERED)), dtype=np.uint8)
    centres = (np.arange(GRID) + 0.5) * CELL
    firsts = [_label_thing(labels, thing, centres) for thing in scene.things]
    tally = {}
    for _, i, cells in sorted(((f[0], i, f[1]) for i, f in enumerate(firsts) if f), key=lambda f: f[:2]):
        thing = scene.things[i]
        for at, key in ((8, "all"), (9, thing.shape), (10, thing.colour)):
            tally[key] = tally.get(key, 0) + 1
            labels[cells[0], cells[1], at] = min(tally[key], 5 if at == 8 else 4)
    _label_needles(labels, scene.needles, centres)
    return labels


def looked_at(scene, about):
    """The cells that show one of `about` (object or needle, from, until): bool [T * 64]."""
    marks, centres = np.zeros((scene.frames // 2, GRID, GRID), dtype=bool), (np.arange(GRID) + 0.5) * CELL
    for item, low, high in about:
        for step in range(len(marks)):
            seen = [t for t in (2 * step, 2 * step + 1) if item.visible(t)]
            if seen and low <= seen[-1] and seen[0] <= high:
                x, y = item.position(np.mean(seen)) if hasattr(item, "motion") else (item.x, item.y)
                marks[step] |= _cells(centres, x, y, item.radius * 0.9 if hasattr(item, "motion") else item.height * 0.45)
    return marks.reshape(-1)


def _label_thing(labels, thing, centres):
    """Marks one object; returns where it is first seen: (step, cell) for sorting and (step, mask)."""
    first = None
    for step in range(len(labels)):
        seen = [t for t in (2 * step, 2 * step + 1) if thing.visible(t)]
        if not seen:
            continue
        x, y = thing.position(np.mean(seen))
        mask = _cells(centres, x, y, thing.radius * 0.9)
        marks = (SHAPES.index(thing.shape), COLOUR_NAMES.index(thing.colour_at(seen[-1])), DIRECTION_NAMES.index(thing.motion))
        labels[step, mask, :3] = np.array(marks) + 1
        labels[step, mask, 11:] = np.clip(np.array((x, y)) // CELL, 0, GRID - 1) + 1
        fresh, turned = thing.event == "appears" and step - thing.event_at / 2 < 2, thing.event == "changes" and thing.event_at <= seen[-1]
        labels[step, mask, 6] = min(step, 39) + 1
        labels[step, mask, 7] = 3 if turned else 2 if fresh else 1
        if first is None:
            first = ((step, int(np.flatnonzero(mask)[0])), (step, mask))
    return first


def _label_needles(labels, needles, centres):
    times = {}
    for i, needle in enumerate(needles):
        times[needle.glyph] = times.get(needle.glyph, 0) + 1
        for step in range(len(labels)):
            if needle.visible(2 * step) or needle.visible(2 * step + 1):
                mask = _cells(centres, needle.x, needle.y, needle.height * 0.45)
                labels[step, mask, 3] = GLYPHS.index(needle.glyph) + 1
                labels[step, mask, 4:7] = min(i, 5) + 1, min(times[needle.glyph], 5), min(step, 39) + 1


def _cells(centres, x, y, reach):
    near = np.hypot(centres[None, :] - x, centres[:, None] - y) < reach
    near[min(max(int(y // CELL), 0), GRID - 1), min(max(int(x // CELL), 0), GRID - 1)] = True
    return near
