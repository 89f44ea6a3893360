"""The rendered world: what a clip contains, drawn at random from a seed. Nothing here makes pixels (see draw.py).

Lengths are in pixels of the 112 x 112 frame, times in sampled frames (half seconds). A clip is a row of shots; every shot
has its own background and objects, and needles (a digit or a pictogram shown for a few frames) lie over the whole clip.
"""

from dataclasses import dataclass, field

import numpy as np

SIDE = 112
COLOURS = {
    "red": (214, 38, 38), "green": (36, 158, 60), "blue": (44, 84, 222), "yellow": (242, 222, 48),
    "orange": (246, 138, 26), "purple": (146, 56, 184), "cyan": (58, 212, 222), "white": (246, 246, 246),
}
COLOUR_NAMES = list(COLOURS)
SHAPES = ["circle", "square", "triangle", "cross", "star"]
DIRECTIONS = {"still": (0, 0), "left": (-1, 0), "right": (1, 0), "up": (0, -1), "down": (0, 1)}
DIRECTION_NAMES = list(DIRECTIONS)
RADII = {"small": 7.0, "medium": 10.0, "large": 13.5}
DIGITS = list("0123456789")
PICTOGRAMS = ["heart", "house", "tree", "moon", "arrow", "bell"]
GLYPHS = DIGITS + PICTOGRAMS
THIRDS = {"beginning": (0.02, 0.27), "middle": (0.39, 0.60), "end": (0.73, 0.96)}


@dataclass
class Thing:
    """One object. `event` is None, appears, vanishes or changes; `event_at` its time."""
    shape: str
    colour: str
    size: str
    motion: str
    start: float
    stop: float
    x: float
    y: float
    speed: float
    event: str | None = None
    event_at: float = 0.0
    colour_after: str | None = None

    @property
    def radius(self):
        return RADII[self.size]

    def position(self, t):
        dx, dy = DIRECTIONS[self.motion]
        return self.x + dx * self.speed * (t - self.start), self.y + dy * self.speed * (t - self.start)

    def visible(self, t):
        return (t >= self.start) & (t < self.stop)

    def colour_at(self, t):
        return self.colour_after if self.event == "changes" and t >= self.event_at else self.colour


@dataclass
class Needle:
    glyph: str
    start: float
    stop: float
    x: float
    y: float
    height: float
    plate: bool
    ink: tuple

    def visible(self, t):
        return (t >= self.start) & (t < self.stop)


@dataclass
class Shot:
    start: float
    stop: float
    background: dict


@dataclass
class Scene:
    seed: int
    level: str
    frames: int
    noise: float
    shots: list = field(default_factory=list)
    things: list = field(default_factory=list)
    needles: list = field(default_factory=list)


@dataclass(frozen=True)
class Level:
    """How a part of the world is drawn: bounds, both ends included."""
    shots: tuple
    things: tuple
    needles: tuple
    textured: float
    drift: float
    noise: tuple
    sizes: tuple
    event: float
    plate: float
    glyph_height: tuple
    needle_frames: tuple


LEVELS = {
    "dense": Level((1, 1), (2, 4), (2, 3), 0.6, 2.0, (0, 7), tuple(RADII), 0.0, 0.4, (13, 22), (9, 9)),
    "easy": Level((1, 1), (1, 3), (0, 2), 0.2, 0.5, (0, 3), ("medium", "large"), 0.3, 1.0, (17, 22), (3, 5)),
    "hard": Level((1, 2), (2, 4), (1, 3), 1.0, 2.5, (2, 8), tuple(RADII), 0.35, 0.2, (13, 18), (2, 3)),
    "long": Level((3, 6), (1, 4), (2, 5), 0.7, 1.5, (0, 6), tuple(RADII), 0.2, 0.5, (14, 20), (2, 4)),
    "single": Level((1, 1), (1, 1), (1, 1), 0.3, 0.5, (0, 4), tuple(RADII), 0.0, 0.6, (14, 22), (2, 4)),
    "pair": Level((1, 1), (2, 3), (1, 1), 0.3, 0.5, (0, 4), tuple(RADII), 0.0, 0.6, (14, 22), (2, 4)),
}


def sample_scene(seed, level, frames=16):
    """The whole scene follows from (seed, level, frames)."""
    rng = np.random.default_rng([seed, list(LEVELS).index(level), frames])
    rules = LEVELS[level]
    scene = Scene(seed, level, frames, float(rng.uniform(*rules.noise)))
    scene.shots = _cut_into_shots(rng, rules, frames)
    _place_things(rng, rules, scene)
    if level == "dense":
        _place_dense_needles(rng, rules, scene)
    else:
        _place_needles(rng, rules, scene)
    return scene


def _cut_into_shots(rng, rules, frames):
    count = int(rng.integers(rules.shots[0], rules.shots[1] + 1))
    bounds = np.linspace(0, frames, count + 1)
    bounds[1:-1] = np.round(bounds[1:-1] + rng.uniform(-1.5, 1.5, count - 1))
    bounds[0], bounds[-1] = -1.0, frames + 1.0
    return [Shot(a, b, _background(rng, rules)) for a, b in zip(bounds[:-1], bounds[1:])]


def _background(rng, rules):
    return {
        "seed": int(rng.integers(1 << 30)),
        "kind": str(rng.choice(["noise", "stripes"], p=[0.7, 0.3])) if rng.random() < rules.textured else "gradient",
        "base": rng.uniform(45, 165) + rng.uniform(-22, 22, 3),
        "contrast": float(rng.uniform(10, 34)),
        "drift": rng.uniform(-rules.drift, rules.drift, 2),
    }


def _place_things(rng, rules, scene):
    wanted = int(rng.integers(rules.things[0], rules.things[1] + 1))
    similar = scene.level in ("hard", "long") and rng.random() < 0.35
    palette = list(rng.permutation(COLOUR_NAMES)[:2] if similar else rng.permutation(COLOUR_NAMES))
    for _ in range(wanted * 12):
        if len(scene.things) == wanted:
            break
        shot = scene.shots[int(rng.integers(len(scene.shots)))]
        thing = _random_thing(rng, rules, scene, shot, str(rng.choice(palette)))
        twin = any((o.shape, o.colour) == (thing.shape, thing.colour) for o in scene.things)
        if not twin and not any(_collide(thing, other) for other in scene.things):
            scene.things.append(thing)


def _random_thing(rng, rules, scene, shot, colour):
    size, motion = str(rng.choice(rules.sizes)), str(rng.choice(DIRECTION_NAMES))
    start, stop = max(shot.start, 0.0), min(shot.stop, float(scene.frames))
    begin, end, event, at, after = shot.start, shot.stop, None, 0.0, None
    if stop - start >= 10 and rng.random() < rules.event:
        event = str(rng.choice(["appears", "vanishes", "changes"]))
        at = float(round(rng.uniform(start + 4, stop - 4)))
        if event == "appears":
            begin = start = at
        elif event == "vanishes":
            end = stop = at
        else:
            after = str(rng.choice([c for c in COLOUR_NAMES if c != colour]))
    low, high = RADII[size] + 2, SIDE - RADII[size] - 2
    x, y, steps = rng.uniform(low, high), rng.uniform(low, high), max(stop - start, 1.0)
    fastest = min(7.0, (high - low) / steps)
    speed = float(rng.uniform(min(2.6, fastest * 0.8), fastest))
    travel, (dx, dy) = speed * steps, DIRECTIONS[motion]
    if dx:
        x = rng.uniform(low, high - travel) + (travel if dx < 0 else 0)
    if dy:
        y = rng.uniform(low, high - travel) + (travel if dy < 0 else 0)
    x, y = x - dx * speed * (start - begin), y - dy * speed * (start - begin)
    return Thing(str(rng.choice(SHAPES)), colour, size, motion, begin, end, float(x), float(y), speed, event, at, after)


def _collide(a, b):
    times = np.arange(max(a.start, b.start), min(a.stop, b.stop))
    if not len(times):
        return False
    (ax, ay), (bx, by) = a.position(times), b.position(times)
    return bool((np.hypot(ax - bx, ay - by) < (a.radius + b.radius) * 1.15 + 2).any())


def _place_needles(rng, rules, scene):
    count = int(rng.integers(rules.needles[0], rules.needles[1] + 1))
    glyphs = [str(g) for g in rng.permutation(GLYPHS)[:count]]
    if count > 1 and rng.random() < 0.35:
        glyphs = [glyphs[0] if rng.random() < 0.75 else g for g in glyphs]
    for glyph in glyphs:
        for _ in range(30):
            low, high = THIRDS[str(rng.choice(list(THIRDS)))]
            length = int(rng.integers(rules.needle_frames[0], rules.needle_frames[1] + 1))
            middle = rng.uniform(low, high) * scene.frames
            start = float(np.clip(round(middle - length / 2), 0, scene.frames - length))
            free = all(start >= n.stop + 1 or start + length <= n.start - 1 for n in scene.needles)
            needle = _needle_at(rng, rules, scene, glyph, start, start + length) if free else None
            if needle:
                scene.needles.append(needle)
                break
    scene.needles.sort(key=lambda n: n.start)


def _place_dense_needles(rng, rules, scene):
    for glyph in rng.permutation(GLYPHS)[: int(rng.integers(rules.needles[0], rules.needles[1] + 1))]:
        needle = _needle_at(rng, rules, scene, str(glyph), -1.0, scene.frames + 1.0)
        if needle:
            scene.needles.append(needle)


def _needle_at(rng, rules, scene, glyph, start, stop):
    """A needle where no object passes while it is shown, or None."""
    height = float(rng.uniform(*rules.glyph_height))
    plate = bool(rng.random() < rules.plate)
    ink = (250, 250, 250) if plate or rng.random() < 0.5 else (8, 8, 8)
    for _ in range(12):
        x, y = rng.uniform(height * 0.75, SIDE - height * 0.75, 2)
        times = np.arange(max(start, 0), min(stop, scene.frames))
        clear = all(np.hypot(n.x - x, n.y - y) > height * 1.6 or n.stop <= start or stop <= n.start for n in scene.needles)
        for thing in scene.things:
            seen = times[thing.visible(times)]
            px, py = thing.position(seen)
            clear = clear and not (np.hypot(px - x, py - y) < thing.radius + height * 0.75).any()
        if clear:
            return Needle(glyph, start, stop, float(x), float(y), height, plate, ink)
    return None
