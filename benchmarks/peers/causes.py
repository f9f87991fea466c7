"""Causes that were found of what the page of peers shows: add one only where you found it."""

_FEW_CHANNELS = (
    "the network's forward pass: XLA's convolution from one channel to 8 takes a CPU as long as "
    "one to 20"
)
_CORES = (
    "the network's forward pass, which XLA spreads over cores less evenly than oneDNN: the first "
    "convolution, from one channel, runs on one core; on a single core fooljax is ahead"
)
_LARGE_BATCH = (
    "500 images in a batch: their gradient's intermediate images are too large to be kept from one "
    "batch to the next; 100 take two thirds of the time (`batch_size`)"
)
_GRADIENT = (
    "the network's passes: on one core XLA's gradient of 500 images takes 2.2 times as long as "
    "PyTorch's, its forward pass 1.7 times, which is all of it; 100 in a batch take three quarters"
)
_NOISY_COPIES = (
    "the network's forward passes of the 22,000 noisy copies, four fifths of the time, which XLA "
    "spreads over cores less evenly than oneDNN; and a key for each copy makes its noise cost "
    "three to four times as much, a tenth"
)
_WHOLE_BATCH = (
    "the batch goes on with all images until the last is fooled, while torchattacks drops each "
    "that is; painting costs the same, and where no image is fooled fooljax takes 0.8 of its time"
)
_MORE_TOLD = (
    "it has scores for all niches, stores probabilities and parents and tells what happened; and "
    "XLA makes a child anew on a CPU wherever it is read, to be scored or to be kept"
)
_EQUAL_MAXIMA = (
    "the network's pooling: of equal maxima, as in black corners, PyTorch's gradient follows one, "
    "fooljax's all evenly; with the former the distances are equal, image by image"
)
_INFINITE_START = (
    "it starts from `atanh` of a pixel, infinite at 0 and 1: black and white pixels never move"
)

#: ``(pair, network, kind)``, kind one of slower, weaker, stronger; shown where a row has it
CAUSES: dict[tuple[str, str, str], str] = {
    ("pytorch-ood maximum softmax", "adversarial", "slower"): _FEW_CHANNELS,
    ("pytorch-ood maximum logit", "adversarial", "slower"): _FEW_CHANNELS,
    ("pytorch-ood energy", "adversarial", "slower"): _FEW_CHANNELS,
    ("pytorch-ood Mahalanobis", "adversarial", "slower"): _FEW_CHANNELS,
    ("PyTorch randomized smoothing", "adversarial", "slower"): _FEW_CHANNELS,
    ("pytorch-ood maximum softmax", "lenet", "slower"): _CORES,
    ("pytorch-ood maximum logit", "lenet", "slower"): _CORES,
    ("pytorch-ood energy", "lenet", "slower"): _CORES,
    ("pytorch-ood ODIN", "lenet", "slower"): _LARGE_BATCH,
    ("pytorch-ood ODIN", "adversarial", "slower"): _GRADIENT,
    ("PyTorch randomized smoothing", "lenet", "slower"): _NOISY_COPIES,
    ("torchattacks Square", "adversarial", "slower"): _WHOLE_BATCH,
    ("torchattacks FAB", "adversarial", "weaker"): _EQUAL_MAXIMA,
    ("adv-lib FAB", "adversarial", "weaker"): _EQUAL_MAXIMA,
    ("QDax iteration, own niche, iso+line", "", "slower"): _MORE_TOLD,
    ("pyribs iteration, own niche, iso+line", "", "slower"): _MORE_TOLD,
    ("torchattacks CW", "lenet", "stronger"): _INFINITE_START,
    ("torchattacks CW", "adversarial", "stronger"): _INFINITE_START,
}
