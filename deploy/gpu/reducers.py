"""The reducers around their scripts.

The server holds the search loops in Java; here they are again, call for call, so that the scripts are
checked and timed as the server drives them. `merges.json`, which the server wrote, proves that both
drive them alike.
"""

import numpy as np
import torch

from quadtree import NO_TREE, Quadtree
from rows import ascending, descending, of, ordered, share

NAMES = ("sttm", "temporal", "octree", "ustc", "tome", "dycoke", "framefusion", "uniform")
CPU_CHUNK, GPU_CHUNK = 3 << 18, 1 << 26
CPU_STEPS, GPU_STEPS = 1, 5  # of the search, counted in one call
SPATIAL, TEMPORAL = (-1, 0.80, 0.85, 1.0001), (1e-6, 0.55, 0.60, 1.0001)


def merge(rows, name, mode, values, grid, retention):
    """values [T*H*W, C] -> Merged; `grid` is (T, H, W)."""
    rows.require_finite(values)
    wanted = max(1, int(retention * len(values) + 0.5))
    return {
        "sttm": sttm, "temporal": temporal, "octree": octree, "ustc": ustc, "tome": tome,
        "dycoke": dycoke, "framefusion": framefusion, "uniform": uniform,
    }[name](rows, values, grid, wanted, mode == "strict")


def temporal(rows, values, grid, wanted, strict):
    return sttm(rows, values, grid, wanted, strict, NO_TREE)


def sttm(rows, values, grid, wanted, strict, root_level=1):
    t, h, w = grid
    tree = Quadtree(h, w, strict, root_level)
    levels = tree.levels
    tables = [rows.up(x) for x in (tree.cell, tree.corners(), tree.pair_table(), tree.shares())]
    holders = [tree.holders(i, j) if i < j else np.zeros(1, np.int64) for i in range(levels) for j in range(levels)]
    special = [tree.cells_with_children(i, 1 if strict else 3) for i in range(levels - 1)]
    frames = max(1, (GPU_CHUNK if rows.gpu else CPU_CHUNK) // (tree.leaves * values.shape[1]))
    similar = rows.sttm.similarities(
        values, [t, h, w], [rows.up(x) for x in holders], [rows.up(tree.slots(i)) for i in range(levels - 1)],
        [rows.up(x) for x in special], 0.5, strict, 1, frames,
    )
    counts = lambda tried: rows.sttm.counts(similar, *tables[:3], t, [x for p in tried for x in p], strict).tolist()
    at = search(wanted, GPU_STEPS if rows.gpu else CPU_STEPS, counts)
    source, _, size, owner, order, offsets, weight = rows.sttm.bags(similar, tables, t, list(at), strict, False)
    groups = rows.group_from(values, [x.cpu().numpy() for x in (source, size, owner)], (order, offsets, weight))
    return rows.finish(rows.trim(groups, grid, wanted), values)


def line(u):
    i = min(int(u), len(SPATIAL) - 2)
    f = u - i
    return tuple(x[i] + f * (x[i + 1] - x[i]) for x in (SPATIAL, TEMPORAL))


def search(wanted, ahead, counts):
    """The thresholds with the fewest survivors that are not below `wanted`, or nearly so."""

    def learn(points):
        known.update(zip(points, counts([line(u) for u in points])))

    low, high, kept, known = 0.0, len(SPATIAL) - 1.0, 1 << 31, {}
    learn([low] + middles(low, high, ahead))
    if known[low] >= wanted:
        return line(low)
    best = line(high)
    for _ in range(26):
        if kept - wanted <= wanted // 200:
            break
        middle = (low + high) / 2
        if middle not in known:
            learn(middles(low, high, ahead))
        if known[middle] < wanted:
            low = middle
        else:
            high = middle
            if known[middle] < kept:
                best, kept = line(middle), known[middle]
    return best


def middles(low, high, steps):
    """The points that so many further steps of a bisection can try."""
    if steps == 0:
        return []
    middle = (low + high) / 2
    return [middle, *middles(low, middle, steps - 1), *middles(middle, high, steps - 1)]


def octree(rows, values, grid, wanted, strict):
    t, h, w = grid
    plane = Quadtree(h, w, True)
    n = t * h * w
    frame, leaf = np.divmod(np.arange(n), h * w)
    cells = [
        (frame >> (plane.levels - 1 - level)) * plane.count[level] + plane.cell[level][leaf]
        for level in range(plane.levels)
    ]
    lowest, children = [None] * (plane.levels - 1), values
    for level in reversed(range(plane.levels - 1)):
        count = int(cells[level].max()) + 1
        parents = rows.sums(values, cells[level], count)
        parent = np.zeros(len(children), np.int64)
        parent[cells[level + 1]] = cells[level]
        found = rows.cosines(parents, parent, children, np.arange(len(parent)))
        low = np.full(count, np.inf, np.float32)
        np.minimum.at(low, parent, found)
        low[np.bincount(parent, minlength=count) == 1] = -np.inf
        lowest[level], children = low, parents

    def nodes(threshold):
        node = np.full(n, -1)
        for level in range(plane.levels):
            stops = node < 0
            if level < len(lowest):
                stops &= lowest[level][cells[level]] >= threshold
            at = np.flatnonzero(stops)
            _, first, back = np.unique(cells[level][at], return_index=True, return_inverse=True)
            node[at] = at[first][back]
        return node

    cosines = np.concatenate([np.zeros(0, np.float32), *lowest]).astype(np.float64)
    cosines = np.unique(cosines[np.isfinite(cosines)])
    between = lambda i: -1.0 if i == 0 else 1.0001 if i == len(cosines) else (cosines[i - 1] + cosines[i]) / 2
    low, high = 0, len(cosines)
    while low < high:
        middle = (low + high) // 2
        if np.count_nonzero(nodes(between(middle)) == np.arange(n)) < wanted:
            low = middle + 1
        else:
            high = middle
    groups = rows.group(values, of(nodes(between(low))))
    return rows.finish(rows.trim(groups, grid, wanted), values)


def tome(rows, values, grid, wanted, strict):
    group = np.arange(len(values))
    survivors, groups = group.copy(), None
    while groups is None or len(survivors) > wanted:
        cosine, odd = rows.best_odd(values if groups is None else groups.sums)
        merged = min(len(survivors) - wanted, len(survivors) // 2)
        order = descending(cosine)
        into = np.arange(len(group))
        into[survivors[2 * order[:merged]]] = survivors[2 * odd[order[:merged]] + 1]
        group = into[group]
        if strict:
            survivors = survivors[into[survivors] == survivors]
        else:
            survivors = np.concatenate([survivors[2 * order[merged:]], survivors[1::2]])
        groups = rows.group(values, ordered(group, survivors))
    return rows.finish(groups, values)


def dycoke(rows, values, grid, wanted, strict):
    t, leaves = grid[0], grid[1] * grid[2]
    kept = dycoke_keep(rows, values, leaves, np.arange(t), wanted, strict)
    group = np.full(len(values), -1)
    group[kept] = kept
    return rows.finish(rows.group(values, ordered(group, kept)), values)


def partner(i, count, strict):
    if i % 2 == 1:
        return i - 1
    return i - 2 if i % 4 == 2 and (strict or i - 2 < count - 4) else -1


def dycoke_keep(rows, values, leaves, frames, budget, strict):
    partners = [partner(i, len(frames), strict) for i in range(len(frames))]
    pruned = [i for i, other in enumerate(partners) if other >= 0]
    whole = [frames[i] for i, other in enumerate(partners) if other < 0]
    rest = budget - len(whole) * leaves
    if rest < 0 and len(frames) == 1:
        return frames[0] * leaves + (2 * np.arange(budget) + 1) * leaves // (2 * budget)
    if rest < 0:
        return dycoke_keep(rows, values, leaves, np.array(whole), budget, strict)
    leaf = np.arange(leaves)
    a = np.concatenate([frames[i] * leaves + leaf for i in pruned] or [leaf[:0]])
    b = np.concatenate([frames[partners[i]] * leaves + leaf for i in pruned] or [leaf[:0]])
    cosines = rows.cosines(values, a, values, b).reshape(-1, leaves)
    kept, at = [], 0
    for i, frame in enumerate(frames):
        stay = leaf
        if partners[i] >= 0:
            stay = ascending(cosines[at])[: share(rest, len(pruned), at)]
            stay = np.sort(stay) if strict else stay
            at += 1
        kept.append(frame * leaves + stay)
    return np.concatenate(kept)


def framefusion(rows, values, grid, wanted, strict):
    leaves = grid[1] * grid[2]
    groups = rows.group(values, of(np.arange(len(values))))
    while len(groups.size) > max(wanted, leaves):
        count = len(groups.size)
        previous = previous_in_place(groups.source, leaves)
        there = np.flatnonzero(previous >= 0)
        cosines = np.full(count, -np.inf, np.float32)
        cosines[there] = rows.cosines(groups.sums, previous[there], groups.sums, there)
        similar, excess = int((cosines >= np.float32(0.6)).sum()), count - wanted
        last = similar >= excess or similar < 0.1 * count
        merged = min(excess, count - leaves) if last else similar
        joins = np.zeros(count, bool)
        joins[descending(cosines)[:merged]] = True
        into = np.arange(count)
        for i in np.flatnonzero(joins):
            into[i] = into[previous[i]]
        groups = rows.join(groups if strict else rows.undivided(groups), into)
    return rows.finish(rows.trim(groups, grid, wanted), values)


def previous_in_place(source, leaves):
    last, out = {}, np.empty(len(source), np.int64)
    for i, leaf in enumerate((source % leaves).tolist()):
        out[i] = last.get(leaf, -1)
        last[leaf] = i
    return out


def uniform(rows, values, grid, wanted, strict):
    t, h, w = grid
    owner, source = np.full(t * h * w, -1), []
    order, offsets, weights = [], [], []
    least = min(4, h * w)
    frames = min(t, (wanted + least - 1) // least)
    for k in range(frames):
        frame, budget = (2 * k + 1) * t // (2 * frames), share(wanted, frames, k)
        square = int(np.floor((budget * h / w) ** 0.5 + 0.5))
        count = max((budget + w - 1) // w, min(square, h, budget))
        for r in range(count):
            columns = share(budget, count, r)
            for c in range(columns):
                top, bottom = r * h // count, (r + 1) * h // count
                left, right = c * w // columns, (c + 1) * w // columns
                block = (frame * h + np.arange(top, bottom)[:, None]) * w + np.arange(left, right)
                owner[block.reshape(-1)] = len(source)
                source.append((frame * h + top) * w + left)
                offsets.append(len(order))
                taps(order, weights, frame * h * w, (h, w), centre(h, count, r), centre(w, columns, c))
    source = np.array(source)
    if strict:
        return rows.finish(rows.group(values, (owner, source)), values)
    bags = [rows.up(np.array(x, d)) for x, d in ((order, np.int64), (offsets, np.int64), (weights, np.float32))]
    size = np.ones(len(source), np.int64)
    return rows.finish(rows.group_from(values, (source, size, owner), bags), values)


def centre(side, cells, k):
    return max(0.0, (k + 0.5) * side / cells - 0.5)


def taps(order, weights, first, sides, y, x):
    top, left = int(y), int(x)
    for i in range(4):
        row, column = min(top + i // 2, sides[0] - 1), min(left + i % 2, sides[1] - 1)
        part = (y - top if i // 2 else 1 - (y - top)) * (x - left if i % 2 else 1 - (x - left))
        if part > 0:
            order.append(first + row * sides[1] + column)
            weights.append(part)


def ustc(rows, values, grid, wanted, strict):
    n, leaves = len(values), grid[1] * grid[2]
    frame = np.arange(n) // leaves
    salient = 1 - rows.cosines(values, np.arange(n), rows.sums(values, frame, grid[0]), frame)
    outlines = rows.ustc.outline(values, min(24, values.shape[1]), rows.block(values))
    retained = retain(rows, values, outlines, descending(salient), wanted * 7 // 10)
    recycled = np.flatnonzero(~retained)
    centres = density_peaks(rows, values, recycled, wanted - int(retained.sum()))
    at, peaks = rows.up(recycled), rows.up(centres)
    if rows.gpu:
        tile = max(1, (1 << 26) // max(values.shape[1], len(centres)))
        nearest = rows.ustc.nearest(values, at, peaks, tile)
    else:
        nearest = rows.ustc.nearest_bounded(values, outlines, at, peaks, 3 << 17)
    group = np.arange(n)
    group[recycled] = centres[nearest.cpu().numpy()]
    group[centres] = centres
    return rows.finish(rows.group(values, of(group)), values)


def retain(rows, values, outlines, order, quota):
    tau = float(np.float32(0.7))
    retained, count = np.zeros(len(order), bool), 0
    pool = torch.zeros(0, values.shape[1], device=rows.device)
    drawn = torch.zeros(0, outlines.shape[1], device=rows.device)
    for start in range(0, len(order), 512):
        if count >= quota:
            break
        block = order[start : start + 512]
        open_, apart = rows.ustc.open(values, outlines, rows.up(block), pool, drawn, tau)
        open_ = open_.cpu().numpy()
        if len(open_) == 0:
            continue
        cosines, taken = rows.ustc.mutual(apart).cpu().numpy(), []
        for i in range(len(open_)):
            if not taken or (cosines[i, taken] < np.float32(0.7)).all():
                taken.append(i)
        taken = np.array(taken[: quota - count])
        tokens = block[open_[taken]]
        pool = rows.ustc.join(pool, rows.ustc.pick(apart, rows.up(taken)))
        drawn = rows.ustc.join(drawn, rows.ustc.unit(outlines, rows.up(tokens)))
        retained[tokens] = True
        count += len(taken)
    return retained


def density_peaks(rows, values, recycled, count):
    windows = (len(recycled) + 127) // 128
    size, larger = divmod(len(recycled), windows)
    found = [
        window_peaks(rows, values, recycled[: larger * (size + 1)], size + 1),
        window_peaks(rows, values, recycled[larger * (size + 1) :], size),
    ]
    return np.sort(recycled[descending(np.concatenate(found))[:count]])


def window_peaks(rows, values, tokens, size):
    if len(tokens) == 0 or size < 2:
        return np.zeros(len(tokens), np.float32)
    batch = max(1, (1 << 14 if rows.gpu else 1 << 9) // size)
    return rows.ustc.peaks(values, rows.up(tokens), size, min(7, size - 1), batch).cpu().numpy()
