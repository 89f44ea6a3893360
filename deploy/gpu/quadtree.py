"""Levels of cells over an H x W grid and the index tables of the STTM script, as the server has them."""

import numpy as np

NO_TREE = 64


def halvings(side):
    count = 0
    while side > 2:
        side, count = (side + 1) // 2, count + 1
    return count


def depth(h, w, strict, root_level):
    if strict:
        a, b = halvings(h), halvings(w)
        coarsest = max((a + b) // 2, min(2, max(a, b)))
    elif w == 1:
        coarsest = 0
    else:
        coarsest, a, b = 0, h, w
        while a != 2 and b != 2:
            a, b, coarsest = (a + 1) // 2, (b + 1) // 2, coarsest + 1
    return max(0, coarsest - root_level)


def sides(side, levels):
    """Cell of each row at each level, coarsest first; an odd side keeps its first row alone."""
    out, cells, size = [np.arange(side)], np.arange(side), side
    for _ in range(levels):
        cells = (cells + size % 2) // 2
        out.insert(0, cells)
        size = (size + 1) // 2
    return out


class Quadtree:
    def __init__(self, h, w, strict, root_level=1):
        self.h, self.w = h, w
        levels = depth(h, w, strict, root_level)
        self.rows, self.columns = sides(h, levels), sides(w, levels)
        self.levels, self.leaves = levels + 1, h * w
        self.cell = np.stack([
            (r[:, None] * (c[-1] + 1) + c).reshape(-1) for r, c in zip(self.rows, self.columns)
        ])
        self.count = [int(cells.max()) + 1 for cells in self.cell]

    def corners(self):
        """[levels, leaves]: the first leaf of each leaf's cell."""
        out = np.zeros_like(self.cell)
        for level, cells in enumerate(self.cell):
            _, first = np.unique(cells, return_index=True)
            out[level] = first[cells]
        return out

    def holders(self, coarse, fine):
        out = np.zeros(self.count[fine], np.int64)
        out[self.cell[fine]] = self.cell[coarse]
        return out

    def children(self, level):
        parent = self.holders(level, level + 1)
        return [np.flatnonzero(parent == cell) for cell in range(self.count[level])]

    def slots(self, level):
        return np.stack([
            [own[i if i < len(own) else 0] for i in range(4)] for own in self.children(level)
        ])

    def cells_with_children(self, level, most):
        return np.array([i for i, own in enumerate(self.children(level)) if len(own) <= most], np.int64)

    def pair_table(self):
        out, base = [], 0
        for i in range(self.levels):
            for j in range(self.levels):
                finer = max(i, j)
                out.append(base + self.cell[finer])
                base += self.count[finer]
        return np.stack(out)

    def shares(self):
        out = np.ones((self.levels, self.leaves), np.float32)
        for level in reversed(range(self.levels - 1)):
            children = np.array([len(own) for own in self.children(level)])
            out[level] = out[level + 1] / children[self.cell[level]]
        return out
