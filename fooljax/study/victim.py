"""The settings of the network under test: its data, its architecture, how it is trained."""

from dataclasses import dataclass
from typing import Literal

from fooljax.runtime.limits import Count, Pixels, Positive, Seed, Share


@dataclass(frozen=True)
class Victim:
    """The network to fool, and the pictures it knows.

    Attributes:
        dataset: pictures: digits (come with the package), mnist, fashion_mnist, kmnist,
            cifar10, cifar100, imagenet; sounds: tones (generated), fsdd (spoken digits;
            fsdd:george tests on a speaker left out), speech_commands, esc10; videos:
            moving_digits (generated), weizmann (weizmann:ido tests on a person left
            out); texts: languages and opinions (generated), sst2; any
            image-classification set of tensorflow-datasets, a folder of class
            sub-folders of pictures, sounds, videos or texts, an .npz with images and
            labels, a .tsv or .csv with columns sentence and label, or none (only with a
            network of your own, or one that brings its weights).
        data_dir: folder with data sets in sub-folders of their names; without
            it, FOOLJAX_DATA_DIR, then a download.
        image_size: height and width that pictures are resized to; as they are
            unless given, photographs 224 x 224, and what a published network takes.
        sample_rate: samples a second that sounds are brought to; as they are unless
            given, 16,000 of sounds in a folder, and what a published network takes.
        seconds: length that sounds are cut to, or continued with silence; as they are
            unless given, one second of sounds in a folder.
        accuracy_images: test images that the accuracy is measured on, as evenly over
            the classes as can be; all unless given, whether or not they fit in memory.
        model: softmax, mlp, lenet, resnet; sound_cnn for sounds, video_cnn for videos,
            ngram for letters and text_cnn for words; a published network with its
            --weights: ds_cnn_l, ds_cnn_s, cnn_l, dnn_l (twelve spoken words), yamnet (521
            kinds of sound, with --dataset none), yamnet_esc10 (the same among ten),
            cld3 (109 languages), movie_review; an ImageNet network (squeezenet1_1,
            mobilenet_v1, mobilenet_v2, mobilenet_v2_torchvision, alexnet, caffenet,
            vgg16, vgg19, resnet18, resnet50), which with --dataset imagenet or none has
            its published weights and is trained otherwise; or FILE.py:NAME for your own:
            a Classifier, a network of PyTorch, Flax NNX, Equinox or Keras, or a function
            without arguments that returns one.
        weights: published weights, with which the network is not trained (but by
            retrain, which goes on from them): a .safetensors or .pth file, a folder of them, or
            hf:OWNER/REPOSITORY[/FILE][@REVISION]. vgg16, vgg19, resnet18 and resnet50
            are fetched by name unless given.
        view: what an ImageNet network sees of images larger than it takes: the
            center, or the average of ten crops (the paper's, ten times dearer).
        classifier: folder that keeps the trained network for the next
            experiment; inside the run directory unless given.
        recipe: how the network is trained: quick (Adam, one cycle), caffe_lenet (the
            paper's), fine_tune (--weights that are there are changed a little),
            adversarial (on what PGD makes of each batch), trades (the same
            answers around each image), or to be unsure about noise:
            outlier_exposure, energy_bounded, acet (noise that climbs).
        train_steps: training steps; the recipe's own number unless given.
        train_epsilon: for adversarial, trades and acet, how far a pixel may be
            changed, in units of [0, 1]; the recipe's own number unless given.
        train_seed: decides starting weights and batches of the training.
    """

    dataset: str = "digits"
    data_dir: str | None = None
    image_size: tuple[Pixels, Pixels] | None = None
    sample_rate: Count | None = None
    seconds: Positive | None = None
    accuracy_images: Count | None = None
    model: str = "lenet"
    weights: str | None = None
    view: Literal["center", "ten"] = "center"
    classifier: str | None = None
    recipe: Literal[
        "quick",
        "caffe_lenet",
        "fine_tune",
        "adversarial",
        "trades",
        "outlier_exposure",
        "energy_bounded",
        "acet",
    ] = "quick"
    train_steps: Count | None = None
    train_epsilon: Share | None = None
    train_seed: Seed = 0


def is_published(victim: Victim) -> bool:
    """Tell whether the network comes with published ImageNet weights."""
    from fooljax import models

    return victim.model in models.PUBLISHED and victim.dataset in ("imagenet", "none")
