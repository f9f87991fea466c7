"""The numbers of ``experiments.perturb``, from what every attack did to every image."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.stats import binomtest

from experiments.perturb_run import GOODFELLOW, Chosen, radii, radius
from fooljax.attacks import Entry, Norm, findings

Found = Mapping[str, Mapping[str, np.ndarray]]
_ROUNDING = 1.0 + 1e-5  # an image on the surface of a ball is in it


def interval(successes: int, count: int) -> tuple[float, float]:
    """The 95 % interval of a rate (Clopper & Pearson, 1934)."""
    low, high = binomtest(successes, count).proportion_ci(0.95, "exact")
    return float(low), float(high)


def row(name: str, method: Entry, config: Any, found: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Return an attack's row of the table.

    Distances and confidence are over its successes only, None without any.
    """
    epsilon = radius(method, config)
    at = radii(name, method, config).index(epsilon)
    one = {key: values[at] for key, values in found.items() if key not in ("images", "seconds")}
    success, count = one["success"], len(one["success"])
    inside = success & (one[method.norm] <= epsilon * _ROUNDING)
    seconds, runs = found["seconds"], len(found["success"])
    numbers = {
        "attack": name,
        "norm": method.norm,
        "kind": method.kind,
        "targeted": method.aimed,
        "epsilon": None if method.kind == "nearest" else epsilon,
        "images": count,
        "success": float(success.mean()),
        "success_interval": interval(int(success.sum()), count),
        "success_within_epsilon": float(inside.mean()),
        "confidence": _over(np.mean, one["confidence"][success]),
    }
    for norm in ("l2", "linf", "l1", "l0"):
        numbers[f"{norm}_quartiles"] = _quartiles(one[norm][success])
    return numbers | {
        "forwards": float(one["forwards"].mean()),
        "gradients": float(one["gradients"].mean()),
        "seconds": float(seconds.sum()),
        # the fastest batch has compiled nothing
        "seconds_per_image": float(seconds.min() / min(config.batch_size, count) / runs),
    }


def worst_case(
    norm: Norm, methods: Mapping[str, Entry], config: Any, found: Found
) -> dict[str, Any]:
    """Return the share of images that any attack fooled within the table's epsilon."""
    epsilon = {"linf": config.epsilon, "l2": config.epsilon_l2}[norm]
    fooled: dict[str, np.ndarray] = {}
    for name, method in methods.items():
        if method.aimed:
            continue
        ones = found[name]
        inside = ones["success"] & (ones[norm] <= epsilon * _ROUNDING)
        fooled[name] = inside.any(axis=0)
    tried = [one for name, one in fooled.items() if methods[name].kind != "control"]
    every = np.any(tried, axis=0) if tried else np.zeros(len(next(iter(fooled.values()))), bool)
    control = np.any([fooled[name] for name in fooled if methods[name].kind == "control"], axis=0)
    count = len(every)
    return {
        "epsilon": epsilon,
        "success": float(every.mean()),
        "success_interval": interval(int(every.sum()), count),
        "noise_success": float(control.mean()),
        "strongest": max(fooled, key=lambda name: fooled[name].sum()) if tried else None,
    }


def curves(
    norm: Norm, methods: Mapping[str, Entry], config: Any, found: Found
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return the accuracy left, ``(epsilons, accuracies)``, for each attack in a norm.

    Of attacks that look for the nearest image it follows from their distances.
    """
    grid = config.epsilons if norm == "linf" else config.epsilons_l2
    series = {}
    for name, method in methods.items():
        if method.norm != norm or method.aimed:
            continue
        success = found[name]["success"]
        if method.kind == "nearest":
            far = np.where(success[0], found[name][norm][0], np.inf)
            epsilons = np.linspace(0.0, max(grid), 101)
            accuracy = np.mean(far[None] > epsilons[:, None], axis=1)
        elif method.curve:
            sizes = np.array(radii(name, method, config))
            shown = np.isin(sizes, (*grid, radius(method, config)))
            epsilons = np.concatenate([[0.0], sizes[shown]])
            accuracy = np.concatenate([[1.0], 1.0 - success[shown].mean(axis=1)])
        else:
            continue
        series[name] = (epsilons, accuracy)
    return series


def published(
    config: Any, chosen: Chosen, methods: Mapping[str, Entry], found: Found
) -> list[dict[str, Any]]:
    """Return the numbers that papers print too, each with the networks they print it of."""
    lengths = np.linalg.norm(chosen.images.reshape(len(chosen.images), -1), axis=1)
    size = chosen.images[0].size
    rows = []

    def relative(name: str, at: int) -> float | None:
        share = found[name]["l2"][at] / np.maximum(lengths, 1e-12)
        return _over(np.mean, share[found[name]["success"][at]])

    if "fgsm" in found:
        sizes = radii("fgsm", methods["fgsm"], config)
        rates = found["fgsm"]["success"].mean(axis=1)
        at = sizes.index(GOODFELLOW)
        sure = found["fgsm"]["confidence"][at][found["fgsm"]["success"][at]]
        rows.append(_line("FGSM, Linf 0.25: error", rates[at], _GOODFELLOW_ERROR, "percent"))
        sure = _over(np.mean, sure)
        rows.append(
            _line(
                "FGSM, Linf 0.25: mean confidence in the error", sure, _GOODFELLOW_SURE, "percent"
            )
        )
        enough = np.flatnonzero(rates >= 0.9)
        smallest = int(enough[0]) if enough.size else None
        rho = None if smallest is None else relative("fgsm", smallest)
        here = "" if smallest is None else f" (here Linf {sizes[smallest]:g})"
        what = f"FGSM that fools 90 %{here}: relative length of the change"
        rows.append(_line(what, rho, _RHO_FGSM, "number"))
    if "deepfool" in found:
        rows.append(
            _line(
                "DeepFool: relative length of the change",
                relative("deepfool", 0),
                _RHO_DEEPFOOL,
                "number",
            )
        )
    if "lbfgs" in found:
        rows.append(
            _line(
                "L-BFGS: relative length of the change", relative("lbfgs", 0), _RHO_LBFGS, "number"
            )
        )
        for name in ("lbfgs", "lbfgs-targeted"):
            if name in found:
                ones = found[name]
                distortion = _over(np.mean, ones["l2"][0][ones["success"][0]])
                distortion = None if distortion is None else distortion / np.sqrt(size)
                toward = "" if name == "lbfgs" else ", toward a random class"
                rows.append(
                    _line(
                        f"L-BFGS{toward}: distortion (root of the mean squared change)",
                        distortion,
                        _SZEGEDY,
                        "number",
                    )
                )
    return rows


def doubts(methods: Mapping[str, Entry], config: Any, found: Found) -> list[dict[str, Any]]:
    """Compare attacks with each other: what contradicts what."""
    seen = []
    for name, method in methods.items():
        success = found[name]["success"]
        if method.curve and len(success) > 1:
            falls = findings.falling_success(
                "epsilon", radii(name, method, config), success.mean(axis=1), success.shape[1]
            )
            # one step that is too long may well miss what a shorter one finds
            if falls is not None and method.kind == "ball" and name != "fgsm":
                seen.append((name, falls))
    for norm in ("linf", "l2"):
        blind = ("square", "evolution", "noise", "noise-l2")
        here = {
            name: method
            for name, method in methods.items()
            if method.norm == norm and not method.aimed and method.kind != "nearest"
        }
        at = {
            name: radii(name, method, config).index(radius(method, config))
            for name, method in here.items()
        }
        with_gradient = [found[name]["success"][at[name]] for name in here if name not in blind]
        for name in here:
            if name in blind and with_gradient:
                wins = findings.free_wins(
                    np.any(with_gradient, axis=0), found[name]["success"][at[name]], name
                )
                if wins is not None:
                    seen.append((name, wins))
    return [{"attack": name, **finding._asdict()} for name, finding in seen]


_GOODFELLOW_ERROR = {"softmax regression": 0.999, "maxout": 0.894}
_GOODFELLOW_SURE = {"softmax regression": 0.793, "maxout": 0.976}
_RHO_FGSM = {"LeNet": 1.0, "FC500-150-10": 0.39}
_RHO_DEEPFOOL = {"LeNet": 0.20, "FC500-150-10": 0.11}
_RHO_LBFGS = {"LeNet": 0.25, "FC500-150-10": 0.12}
_SZEGEDY = {"FC100-100-10": 0.058, "FC200-200-10": 0.065, "softmax regression (FC10, 1e-4)": 0.062}


def _line(what: str, here: float | None, papers: Mapping[str, float], unit: str) -> dict[str, Any]:
    return {
        "quantity": what,
        "here": None if here is None else float(here),
        "published_on_mnist": dict(papers),
        "unit": unit,
    }


def _over(function: Any, values: np.ndarray) -> float | None:
    return float(function(values)) if len(values) else None


def _quartiles(values: np.ndarray) -> list[float] | None:
    return [float(q) for q in np.quantile(values, (0.25, 0.5, 0.75))] if len(values) else None
