"""What every reducer does with rows, through the script `Rows`; and orders that never tie."""

from dataclasses import dataclass

import numpy as np
import torch

CPU_BLOCK, GPU_BLOCK = 1 << 18, 1 << 26
SUM_BLOCK, TILE = 1 << 27, 1 << 23


@dataclass
class Groups:
    """Survivors on their way: sums [M, C] not yet divided, their sizes, and who holds what."""

    sums: torch.Tensor
    size: np.ndarray
    owner: np.ndarray
    source: np.ndarray


@dataclass
class Merged:
    values: torch.Tensor
    owner: np.ndarray
    source: np.ndarray


def descending(values):
    """Places of the values, largest first; equal ones by their place."""
    return np.argsort(-(np.asarray(values, np.float32) + 0), kind="stable")


def ascending(values):
    return np.argsort(np.asarray(values, np.float32) + 0, kind="stable")


def share(total, parts, k):
    """What part k of `parts` gets when `total` is dealt out evenly."""
    return (k + 1) * total // parts - k * total // parts


def ordered(group, source):
    """Owners and sources when token i belongs to the group of token group[i], -1 being dropped."""
    rank = np.zeros(len(group), np.int64)
    rank[source] = np.arange(len(source))
    return np.where(group < 0, -1, rank[np.maximum(group, 0)]), np.asarray(source)


def of(group):
    return ordered(group, np.flatnonzero(group == np.arange(len(group))))


class Rows:
    """The script on one device. Index tables go up and figures come down as in the server."""

    def __init__(self, archives, device):
        self.archives, self.device = archives, torch.device(device)
        self.script = archives.load("Rows")
        self.sttm = archives.load("Sttm")
        self.ustc = archives.load("Ustc")
        self.gpu = self.device.type == "cuda"

    def up(self, values):
        return torch.from_numpy(np.ascontiguousarray(values)).to(self.device)

    def block(self, rows):
        return max(1, (GPU_BLOCK if self.gpu else CPU_BLOCK) // rows.shape[1])

    def require_finite(self, rows):
        bad = self.script.first_not_finite(rows, self.block(rows))
        assert bad < 0, f"token {bad} is not finite"

    def cosines(self, x, a, y, b):
        found = self.script.cosines(x, self.up(np.asarray(a, np.int64)), y, self.up(np.asarray(b, np.int64)), self.block(x))
        return found.cpu().numpy()

    def sums(self, rows, owner, count):
        """f32 sums of each survivor's rows, ascending; rows of owner -1 are left out."""
        order = np.argsort(owner, kind="stable")[np.count_nonzero(owner < 0):]
        size = np.bincount(owner[owner >= 0], minlength=count)
        ones = np.ones(len(order), np.float32)
        return self.bag(rows, self.up(order), self.up(np.cumsum(size) - size), self.up(ones))

    def bag(self, rows, order, offsets, weight):
        channels = max(1, SUM_BLOCK // rows.shape[0])
        return self.script.sums(rows, order, offsets, weight, channels)

    def group(self, rows, partition):
        owner, source = partition
        size = np.bincount(owner[owner >= 0], minlength=len(source))
        return Groups(self.sums(rows, owner, len(source)), size, owner, source)

    def group_from(self, rows, partition, bags):
        """As `group`, with sizes and bags given: partition is (source, size, owner)."""
        source, size, owner = partition
        return Groups(self.bag(rows, *bags), size, owner, source)

    def join(self, groups, into):
        """Survivor i becomes part of into[i]."""
        alone = into == np.arange(len(into))
        rank = (np.cumsum(alone) - 1)[into]
        count = int(alone.sum())
        size = np.bincount(rank, weights=groups.size, minlength=count).astype(np.int64)
        owner = np.where(groups.owner < 0, -1, rank[np.maximum(groups.owner, 0)])
        return Groups(self.sums(groups.sums, rank, count), size, owner, groups.source[alone])

    def undivided(self, groups):
        means = self.script.means(groups.sums, self.up(groups.size), groups.sums)
        return Groups(means, np.ones_like(groups.size), groups.owner, groups.source)

    def finish(self, groups, rows):
        values = self.script.means(groups.sums, self.up(groups.size), rows)
        return Merged(values, groups.owner, groups.source)

    def best_odd(self, rows):
        tile = max(1, TILE // max(1, rows.shape[0] // 2))
        cosine, odd = self.script.best_odd(rows, tile)
        return cosine.cpu().numpy(), odd.cpu().numpy()

    def trim(self, groups, grid, wanted):
        """Merges the most similar neighbours until `wanted` groups are left."""
        while len(groups.size) > wanted:
            count = len(groups.size)
            first, second = neighbours(groups.owner, grid)
            order = descending(self.cosines(groups.sums, first, groups.sums, second))
            into = match(first[order].tolist(), second[order].tolist(), count, min(count - wanted, max(1, count // 4)))
            groups = self.join(groups, into)
        return groups


def neighbours(owner, grid):
    """Each pair of survivors that hold adjacent tokens, once, ascending."""
    o = owner.reshape(grid)
    pairs = [(o[:, :, :-1], o[:, :, 1:]), (o[:, :-1], o[:, 1:]), (o[:-1], o[1:])]
    a = np.concatenate([x.reshape(-1) for x, _ in pairs])
    b = np.concatenate([y.reshape(-1) for _, y in pairs])
    keys = np.unique((np.minimum(a, b) << 32 | np.maximum(a, b))[a != b])
    return keys >> 32, keys & 0xFFFFFFFF


def match(first, second, count, left):
    into, taken = np.arange(count), bytearray(count)
    for a, b in zip(first, second):
        if left == 0:
            break
        if not taken[a] and not taken[b]:
            taken[a] = taken[b] = 1
            into[b] = a
            left -= 1
    return into
