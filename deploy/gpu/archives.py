"""The script archives of a server, loaded and checked against their description."""

import json
from pathlib import Path

import torch


class Archives:
    """What `vidfold export-archives` wrote: one module a file, compiled anew for each use."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.described = json.loads((self.folder / "archives.json").read_text())
        # As the server does: no recompilation at each new shape.
        torch._C._set_graph_executor_optimize(False)

    def load(self, class_name, device="cpu"):
        for archive in self.described["archives"]:
            if archive["class"] == class_name:
                return torch.jit.load(str(self.folder / archive["file"]), map_location=device)
        raise KeyError(f"archives.json has no class {class_name}")

    def decoder(self, weights):
        return self._with("Qwen2Decoder", weights, lambda tensor: [tensor])

    def siglip(self, weights):
        return self._with("SiglipVision", weights, lambda tensor: [tensor])

    def qwen2vl(self, weights):
        return self._with("Qwen2VlVision", weights, lambda tensor: tensor)

    def _with(self, class_name, weights, argument):
        module = self.load(class_name)
        for key, tensor in weights.items():
            module.put(key, argument(tensor))
        return module

    def check_signatures(self):
        """Every archive loads, and has the methods and arguments that the description lists."""
        wrong = []
        for archive in self.described["archives"]:
            module = self.load(archive["class"])
            for method in archive["methods"]:
                schema = module._c._get_method(method["name"]).schema
                found = [argument.name for argument in schema.arguments if argument.name != "self"]
                wanted = [argument["name"] for argument in method["arguments"]]
                if found != wanted:
                    wrong.append(f"{archive['class']}.{method['name']}: {found} is not {wanted}")
        return wrong

    def check_weights(self, shapes):
        """The shapes that this program draws weights in are those that the server's loaders ask for.

        shapes: script class -> key -> shape, for layer 0 of the published 7B models.
        """
        wrong = []
        for family in self.described["families"]:
            for script, entries in family["scripts"].items():
                for entry in entries:
                    if entry["parts"]:
                        wrong += self._check_entry(family["architecture"], script, entry, shapes)
        return wrong

    @staticmethod
    def _check_entry(architecture, script, entry, shapes):
        parts = [part["shape"] for part in entry["parts"]]
        joined = [sum(part[0] for part in parts)] + parts[0][1:]
        elements = 1
        for side in joined:
            elements *= side
        mine = shapes[script].get(entry["key"])
        count = 1
        for side in mine or [0]:
            count *= side
        if mine is None or mine[0] != joined[0] or count != elements:
            return [f"{architecture}: {script} key {entry['key']}: {mine} is not {joined}"]
        return []

    def merges(self):
        return json.loads((self.folder / "merges.json").read_text())
