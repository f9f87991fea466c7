"""A slow, obvious evaluator of CPPN genomes in float64 that knows its own uncertainty."""

import numpy as np


def coordinates(height, width, kind):
    """x, y, distance, 1 at every pixel, one pixel after another, as float32 sees them."""
    rows = []
    for i in range(height):
        for j in range(width):
            x = 2.0 * j / (width - 1) - 1.0
            y = 2.0 * i / (height - 1) - 1.0
            position = (j, i) if kind == "raw" else (x, y)
            rows.append([*position, np.sqrt(x * x + y * y), 1.0])
    return np.float64(np.float32(rows)).T


def _sigmoid(s):
    return 2.0 / (1.0 + np.exp(-np.clip(s, -700.0, 700.0))) - 1.0


# function, its derivative, and a bound of its second derivative
ACTIVATIONS = (
    (np.sin, np.cos, 1.0),
    (_sigmoid, lambda s: (1.0 - _sigmoid(s) ** 2) / 2.0, 0.2),
    (lambda s: np.exp(-s * s), lambda s: -2.0 * s * np.exp(-s * s), 2.0),
    (lambda s: np.clip(s, -3.0, 3.0) / 3.0, lambda s: np.full_like(s, 1.0 / 3.0), 0.0),
)


def evaluate(genome, outputs, inputs, eps):
    """Values and error bounds ``[outputs, p]`` of a network computed with precision ``eps``.

    Walks back from each output along its incoming edges. The bound is of first
    order: rounding of each product and sum, carried on by the derivatives.
    """
    edges = [
        (int(source), int(target), float(weight))
        for source, target, weight in zip(*map(np.asarray, genome[1:4]), strict=True)
        if source >= 0
    ]
    known = {node: (inputs[node], np.zeros(inputs.shape[1])) for node in range(len(inputs))}

    def visit(node):
        if node not in known:
            total = np.zeros(inputs.shape[1])
            size, carried, terms = total.copy(), total.copy(), 1
            for source, target, weight in edges:
                if target == node:
                    value, error = visit(source)
                    total = total + weight * value
                    size = size + np.abs(weight * value)
                    carried = carried + np.abs(weight) * error
                    terms += 1
            function, slope, bend = ACTIVATIONS[int(genome[0][node])]
            error = carried + terms * eps * size
            error = (np.abs(slope(total)) + bend * error) * error + 4.0 * eps
            known[node] = function(total), error
        return known[node]

    found = [visit(len(inputs) + channel) for channel in range(outputs)]
    return np.stack([value for value, _ in found]), np.stack([error for _, error in found])


def acyclic(genome):
    """Whether nodes can be taken away, those without incoming edges first, until none is left."""
    edges = {(int(s), int(t)) for s, t in zip(genome.source, genome.target, strict=True) if s >= 0}
    while edges:
        ends = {target for _, target in edges}
        remaining = {(s, t) for s, t in edges if s in ends}
        if remaining == edges:
            return False
        edges = remaining
    return True
