"""Questions and answers about a scene. Every asker returns Asked or None when its question has no sure answer here."""

import re
from collections import Counter
from dataclasses import dataclass

import numpy as np

from scene import COLOUR_NAMES, DIGITS, DIRECTION_NAMES, GLYPHS, PICTOGRAMS, SHAPES, SIDE

ABSENT = "not in the video"
LETTERS = "ABCD"
CHOICE_TAILS = ["", "", "", "\nAnswer with the letter.", "\nAnswer with the option's letter from the given choices directly."]
OPEN_TAILS = ["", "", "", "", "", " Answer in one word.", " Answer briefly."]


@dataclass(frozen=True)
class Asked:
    family: str
    question: str
    answer: str
    pool: tuple = ()      # the answers a multiple choice may offer
    about: tuple = ()     # (object or needle, from, until): what has to be looked at, for training only


@dataclass(frozen=True)
class Turn:
    family: str
    question: str
    choices: tuple        # empty for an open question
    prompt: str           # the exact text of the user turn
    answer: str
    about: tuple = ()
    meant: str = ""       # the answer in words, also where `answer` is a letter


def ask(scene, rng, count, tails=True, more=()):
    """`count` turns about a scene, families at random, no question twice; `more` askers are drawn beside the usual ones."""
    askers, choice = STAGES.get(scene.level, ([*ASKERS, *more], 0.4))
    turns, seen = [], set()
    for _ in range(count * 8):
        if len(turns) == count:
            break
        asked = askers[int(rng.integers(len(askers)))](scene, rng)
        if asked and asked.question not in seen:
            seen.add(asked.question)
            turns.append(as_turn(asked, rng, choice, tails))
    return turns


def topic(turn):
    """What a turn is about, for training: classes of the shape, colour and glyph it names (0 for none or several), of its family, of its answer, its letter."""
    words = re.findall("[a-z]+|[0-9]", turn.question.lower().split("beginning")[0].replace("crosses", "cross"))
    named = {w for word in words for w in (word, word.removesuffix("s"))}
    found = [[i + 1 for i, name in enumerate(names) if name in named] for names in (SHAPES, COLOUR_NAMES, GLYPHS)]
    return [f[0] if len(f) == 1 else 0 for f in found] + [FAMILIES.index(turn.family), MEANINGS.index(turn.meant) + 1 if turn.meant in MEANINGS else 0] + [
        LETTERS.index(turn.answer) if turn.choices else -100
    ]


def as_turn(asked, rng, choice, tails=True):
    if asked.pool and rng.random() < choice:
        return _multiple_choice(asked, rng, tails)
    one_word = asked.family != "describe" and " " not in asked.answer
    tail = _pick(rng, OPEN_TAILS) if tails and one_word else ""
    return Turn(asked.family, asked.question + tail, (), asked.question + tail, asked.answer, asked.about, asked.answer)


def _multiple_choice(asked, rng, tails):
    others = [o for o in asked.pool if o != asked.answer]
    wrong = [others[i] for i in rng.permutation(len(others))[:3]]
    options = [asked.answer] + wrong
    options = [options[i] for i in rng.permutation(len(options))]
    lines = "".join(f"\n{letter}. {option}" for letter, option in zip(LETTERS, options))
    tail = _pick(rng, CHOICE_TAILS) if tails else ""
    return Turn(asked.family, asked.question, tuple(options), asked.question + lines + tail, LETTERS[options.index(asked.answer)], asked.about, asked.answer)


def _pick(rng, items):
    return items[int(rng.integers(len(items)))]


def _names(scene, thing):
    """The ways to name this thing without doubt."""
    names = [f"the {thing.colour} {thing.shape}"]
    if sum(o.shape == thing.shape for o in scene.things) == 1:
        names.append(f"the {thing.shape}")
    colours = [c for o in scene.things if o is not thing for c in (o.colour, o.colour_after)]
    if thing.colour not in colours:
        names.append(f"the {thing.colour} object")
    return names


def _named(scene, rng, fits=lambda t: True):
    things = [t for t in scene.things if fits(t)]
    if not things:
        return None, None
    thing = _pick(rng, things)
    return thing, _pick(rng, _names(scene, thing))


def _glyph_name(glyph):
    return f"the digit {glyph}" if glyph in DIGITS else f"the {glyph}"


def _always(*items):
    return tuple((item, -9.0, 9999.0) for item in items)


def _third(moment, frames):
    """beginning, middle, end, or None when the moment is near a border."""
    part = moment / frames
    for name, low, high in (("beginning", -1, 0.30), ("middle", 0.365, 0.635), ("end", 0.70, 2)):
        if low <= part <= high:
            return name
    return None


def colour(scene, rng):
    things = [t for t in scene.things if t.event != "changes" and sum(o.shape == t.shape for o in scene.things) == 1]
    if not things:
        return None
    thing = _pick(rng, things)
    text = _pick(rng, ["What colour is the {}?", "Which colour does the {} have?", "Name the colour of the {}.", "What color is the {}?"])
    return Asked("colour", text.format(thing.shape), thing.colour, tuple(COLOUR_NAMES), _always(thing))


def shape(scene, rng):
    things = [t for t in scene.things if any(n.endswith("object") for n in _names(scene, t)) and t.event != "changes"]
    if not things:
        return None
    thing = _pick(rng, things)
    text = _pick(rng, ["What shape is the {} object?", "Which shape does the {} object have?", "What is the {} thing?"])
    return Asked("shape", text.format(thing.colour), thing.shape, tuple(SHAPES), _always(thing))


def motion(scene, rng):
    thing, name = _named(scene, rng)
    if not thing:
        return None
    text = _pick(rng, ["Which way does {} move?", "In which direction does {} move?", "How does {} move?", "Where is {} going?"])
    return Asked("motion", text.format(name), thing.motion, tuple(DIRECTION_NAMES), _always(thing))


def count(scene, rng):
    kind, pool = int(rng.integers(3)), ("0", "1", "2", "3", "4")
    if kind == 0:
        text = _pick(rng, ["How many objects are there?", "How many objects does the video show?", "Count the objects."])
        return Asked("count", text, str(len(scene.things)), pool, _last_sighted(scene.things))
    if kind == 1:
        wanted = _pick(rng, scene.things).shape if scene.things and rng.random() < 0.8 else _pick(rng, SHAPES)
        plural = wanted + ("es" if wanted == "cross" else "s")
        found = [t for t in scene.things if t.shape == wanted]
        return Asked("count", f"How many {plural} are there?", str(len(found)), pool, _last_sighted(found))
    if any(t.event == "changes" for t in scene.things):
        return None
    wanted = _pick(rng, scene.things).colour if scene.things and rng.random() < 0.8 else _pick(rng, COLOUR_NAMES)
    found = [t for t in scene.things if t.colour == wanted]
    return Asked("count", f"How many {wanted} objects are there?", str(len(found)), pool, _last_sighted(found))


def _last_sighted(things):
    """The object that completes the count, where it comes into view."""
    if not things:
        return ()
    last = max(things, key=lambda t: (max(t.start, 0) // 2, t.position(max(t.start, 0))[1] - t.radius))
    return ((last, last.start, max(last.start, 0) + 1),)


def where(scene, rng):
    axis = int(rng.integers(2))

    def sure(thing):
        times = np.arange(max(thing.start, 0), min(thing.stop, scene.frames))
        off = np.asarray(thing.position(times)[axis]) - SIDE / 2
        return len(times) and ((off > 5).all() or (off < -5).all())

    thing, name = _named(scene, rng, lambda t: sure(t))
    if not thing:
        return None
    sides = (("left", "right"), ("top", "bottom"))[axis]
    middle = thing.position(max(thing.start, 0))[axis]
    text = _pick(rng, ["Is {} in the {} or the {} half?", "Is {} at the {} or at the {}?", "In which half is {}, {} or {}?"])
    order = sides if rng.random() < 0.5 else sides[::-1]
    return Asked("where", text.format(name, *order), sides[int(middle > SIDE / 2)], sides, _always(thing))


def needle(scene, rng):
    digits = {n.glyph for n in scene.needles if n.glyph in DIGITS}
    pictograms = {n.glyph for n in scene.needles if n.glyph in PICTOGRAMS}
    if len(digits) == 1 and (rng.random() < 0.6 or len(pictograms) != 1):
        text = _pick(rng, ["Which digit is shown?", "Which digit appears?", "What digit can be seen?", "Read the digit."])
        return Asked("needle", text, digits.pop(), tuple(DIGITS), _always(*(n for n in scene.needles if n.glyph in DIGITS)))
    if len(pictograms) == 1:
        text = _pick(rng, ["Which pictogram is shown?", "Which pictogram appears?", "What pictogram can be seen?"])
        return Asked("needle", text, pictograms.pop(), tuple(PICTOGRAMS), _always(*(n for n in scene.needles if n.glyph in PICTOGRAMS)))
    return None


def order(scene, rng):
    glyphs = [n.glyph for n in scene.needles]
    if len(glyphs) < 2 or len(set(glyphs)) != len(glyphs):
        return None
    if rng.random() < 0.5:
        a, b = (int(i) for i in rng.permutation(len(glyphs))[:2])
        which = _pick(rng, ["first", "last"])
        text = _pick(rng, ["Which comes {0}, {1} or {2}?", "Which is shown {0}: {1} or {2}?"])
        chosen = min(a, b) if which == "first" else max(a, b)
        return Asked("order", text.format(which, _glyph_name(glyphs[a]), _glyph_name(glyphs[b])), glyphs[chosen], (glyphs[a], glyphs[b]), _always(scene.needles[chosen]))
    which = _pick(rng, ["first", "last"])
    text = _pick(rng, ["Which digit or pictogram comes {}?", "Which digit or pictogram is shown {}?"])
    pool = tuple(glyphs) + tuple(g for g in GLYPHS if g not in glyphs)[: max(0, 4 - len(glyphs))]
    return Asked("order", text.format(which), glyphs[0 if which == "first" else -1], pool, _always(scene.needles[0 if which == "first" else -1]))


def events(scene, rng):
    pool = tuple(str(i) for i in range(6))
    if rng.random() < 0.5:
        text = _pick(rng, ["How many times is a digit or pictogram shown?", "How many digits and pictograms are shown in all?"])
        return Asked("events", text, str(len(scene.needles)), pool, _always(*scene.needles[-1:]))
    counts = Counter(n.glyph for n in scene.needles)
    wanted = _pick(rng, sorted(counts)) if counts and rng.random() < 0.85 else _pick(rng, GLYPHS)
    text = _pick(rng, ["How many times does {} appear?", "How many times is {} shown?"])
    found = [n for n in scene.needles if n.glyph == wanted]
    return Asked("events", text.format(_glyph_name(wanted)), str(len(found)), pool, _always(*found[-1:]))


def when(scene, rng):
    moments = []
    for n in scene.needles:
        if sum(o.glyph == n.glyph for o in scene.needles) == 1:
            moments.append((f"is {_glyph_name(n.glyph)} shown", (n.start + n.stop) / 2, _always(n)))
            moments.append((f"does {_glyph_name(n.glyph)} appear", (n.start + n.stop) / 2, _always(n)))
    for t in scene.things:
        if t.event:
            verb = {"appears": "appear", "vanishes": "vanish", "changes": "change colour"}[t.event]
            moments.append((f"does {_pick(rng, _names(scene, t))} {verb}", t.event_at, ((t, t.event_at - 3, t.event_at + 3),)))
    moments = [(text, _third(at, scene.frames), about) for text, at, about in moments]
    moments = [m for m in moments if m[1]]
    if not moments:
        return None
    text, answer, about = _pick(rng, moments)
    tail = _pick(rng, ["", ": beginning, middle or end"])
    return Asked("when", f"When {text}{tail}?", answer, ("beginning", "middle", "end"), about)


def change(scene, rng):
    things = [t for t in scene.things if t.event == "changes"]
    if things and rng.random() < 0.6:
        thing = _pick(rng, things)
        name = _pick(rng, _names(scene, thing))
        text = _pick(rng, ["Which colour does {} change to?", "What colour is {} at the end?"])
        return Asked("change", text.format(name), thing.colour_after, tuple(COLOUR_NAMES), ((thing, thing.event_at, 9999.0),))
    thing, name = _named(scene, rng)
    if not thing:
        return None
    verb = _pick(rng, ["changes", "vanishes"])
    if len(scene.shots) > 1 and verb == "vanishes":
        return None
    text = {"changes": "Does {} change colour?", "vanishes": "Does {} vanish?"}[verb]
    return Asked("change", text.format(name), "yes" if thing.event == verb else "no", ("yes", "no"), _always(thing))


def exists(scene, rng):
    if scene.things and rng.random() < 0.35:
        thing = _pick(rng, scene.things)
        name, answer, about = f"a {thing.colour} {thing.shape}", "yes", _always(thing)
    elif scene.needles and rng.random() < 0.25:
        shown = _pick(rng, scene.needles)
        name, answer, about = _glyph_name(shown.glyph), "yes", _always(shown)
    else:
        tones = {c for t in scene.things for c in (t.colour, t.colour_after)}
        free = [(c, s) for c in COLOUR_NAMES for s in SHAPES if not any(t.shape == s and c in (t.colour, t.colour_after) for t in scene.things)]
        near = [f for f in free if f[0] in tones or any(f[1] == t.shape for t in scene.things)]
        c, s = _pick(rng, near if near and rng.random() < 0.7 else free)
        name, answer, about = f"a {c} {s}", "no", ()
        if rng.random() < 0.3:
            name = _glyph_name(_pick(rng, [g for g in GLYPHS if g not in {n.glyph for n in scene.needles}]))
    text = _pick(rng, ["Is there {} in the video?", "Does {} appear in the video?", "Can {} be seen?"])
    return Asked("exists", text.format(name.replace("a orange", "an orange")), answer, ("yes", "no"), about)


def refusal(scene, rng):
    shapes = [s for s in SHAPES if all(t.shape != s for t in scene.things)]
    tones = {c for t in scene.things for c in (t.colour, t.colour_after)}
    colours = [c for c in COLOUR_NAMES if c not in tones]
    kind = int(rng.integers(4))
    if kind == 0 and shapes:
        return Asked("refusal", f"What colour is the {_pick(rng, shapes)}?", ABSENT)
    if kind == 1:
        return Asked("refusal", f"What shape is the {_pick(rng, colours)} object?", ABSENT)
    if kind == 2 and not any(n.glyph in DIGITS for n in scene.needles):
        return Asked("refusal", "Which digit is shown?", ABSENT)
    if kind == 3:
        name = f"the {_pick(rng, shapes)}" if shapes and rng.random() < 0.5 else f"the {_pick(rng, colours)} object"
        return Asked("refusal", f"Which way does {name} move?", ABSENT)
    return None


def describe(scene, rng):
    """One sentence, things in the order circle, square, triangle, cross, star."""
    if not 1 <= len(scene.things) <= 2 or any(t.event for t in scene.things):
        return None
    ways = {"still": "stays still"}
    things = sorted(scene.things, key=lambda t: (SHAPES.index(t.shape), COLOUR_NAMES.index(t.colour)))
    parts = [f"a {t.colour} {t.shape} {ways.get(t.motion, 'moves ' + t.motion)}" for t in things]
    sentence = " and ".join(parts).replace("a orange", "an orange")
    text = _pick(rng, ["Describe the video in one sentence.", "What happens in the video?", "Describe the video."])
    return Asked("describe", text, sentence[0].upper() + sentence[1:] + ".")


ASKERS = [colour, shape, motion, motion, count, count, where, needle, needle, order, order, events, events, when, when, change, exists, exists, refusal, describe]
# What attention must learn before anything else: to find the one object, then to find the object that a question means.
STAGES = {"single": ([colour, shape, motion, where, needle, when], 0.1), "pair": ([colour, shape, motion, where], 0.4)}
FAMILIES = sorted({a.__name__ for a in ASKERS})
HARDEST = [count, count, events, events, when, order, describe, describe]  # asked more often in training
MEANINGS = [*COLOUR_NAMES, *SHAPES, *DIRECTION_NAMES, *GLYPHS, "top", "bottom", "beginning", "middle", "end", "yes", "no", ABSENT]
