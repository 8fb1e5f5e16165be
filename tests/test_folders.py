"""HuggingFace folders as people have them: configs, image processors, added tokens, other files."""
import json
import os
import shutil

import numpy as np

import read_clipc
import tap
from checkpoints import config, converts, folder, mini, out, refused, source, tmp, write_safetensors


def put(path, name, value):
    os.makedirs(os.path.dirname(path + "/" + name), exist_ok=True)
    with open(path + "/" + name, "wb") as f:
        f.write(value if isinstance(value, bytes) else json.dumps(value).encode())
    return path


def vectors(model):
    """Embeddings of mini's pixels and tokens, as bytes."""
    for kind in ("pixels", "tokens"):
        tap.run("embed", "-m", model, "--" + kind, "%s/%s.npy" % (mini, kind), "--npy", "%s/%s.npy" % (tmp, kind))
    return [np.load("%s/%s.npy" % (tmp, kind)).tobytes() for kind in ("pixels", "tokens")]


# ---- config.json: NAME_config_dict wins over NAME_config, whole, as in transformers' CLIPConfig.
plain = config()
text, vision = plain["text_config"], plain["vision_config"]
want = vectors(converts("mini", folder("plain")))
bent = dict(text, hidden_act="gelu", layer_norm_eps=0.1), dict(vision, hidden_act="gelu", layer_norm_eps=0.1)
for name, more in (("both", {"text_config": bent[0], "vision_config": bent[1]}),
                   ("without the others", {"text_config": None, "vision_config": None}),
                   ("of null", {"text_config_dict": None, "vision_config_dict": None})):
    more = dict({"text_config_dict": text, "vision_config_dict": vision}, **more)
    got = vectors(converts("*_config_dict, " + name, folder("dicts", **more)))
    tap.check(got == want, "the same vectors")
other = vectors(converts("another epsilon in text_config_dict", folder("dicts", text_config_dict=dict(text, layer_norm_eps=0.1))))
tap.check(other[0] == want[0] and other[1] != want[1], "changes texts alone")
other = vectors(converts("another activation in vision_config_dict", folder("dicts", vision_config_dict=dict(vision, hidden_act="gelu"))))
tap.check(other[0] != want[0] and other[1] == want[1], "changes images alone")
# Keys that a *_dict leaves out have the class's defaults, not those of the other section.
short = {k: v for k, v in text.items() if k != "hidden_size"}
refused("a text_config_dict without hidden_size", folder("dicts", text_config_dict=short), "[574, 512]")
refused("a text_config_dict that is a list", folder("dicts", text_config_dict=[1]), "config.json", "text_config_dict", "wants an object")
refused("a bad value in vision_config_dict", folder("dicts", vision_config_dict=dict(vision, layer_norm_eps=0)),
        "config.json", "vision_config_dict.layer_norm_eps", "is 0")
refused("another projection_dim", folder("dicts", projection_dim=64), "expected shape [64, 64], found [32, 64]")

# ---- Values that no weight file holds, refused where they are read: file, key, value.
for section, key, values in (
        ("vision_config", "layer_norm_eps", (0, -1e-5, 1, 1e300, "1e-5", [1e-5], 1e-60)),
        ("text_config", "layer_norm_eps", (0, 2)),
        ("vision_config", "image_size", (0, -224, 5000, 224.5, "224", 2**40)),
        ("vision_config", "patch_size", (0, 25, 1.5)),
        ("vision_config", "num_channels", (1, 4)),
        ("vision_config", "hidden_size", (0, 70000)),
        ("vision_config", "num_attention_heads", (0, 3, 128)),
        ("text_config", "num_hidden_layers", (0, 1000)),
        ("text_config", "intermediate_size", (0, 2**30)),
        ("text_config", "vocab_size", (0, 2**25)),
        ("text_config", "max_position_embeddings", (0, 5000)),
        ("text_config", "eos_token_id", (574, -1, [573])),
        ("text_config", "bos_token_id", (2**24 + 1,)),
        ("text_config", "hidden_act", ("relu", 3))):
    for value in values:
        more = {section: dict(plain[section], **{key: value})}
        refused("%s of %s" % (key, value), folder("values", **more), "config.json", section + "." + key, "is ",
                args=("--no-goldens",))

# ---- The image processor, wherever it is written.
clip = {"do_resize": True, "size": {"shortest_edge": 24}, "resample": 3, "do_center_crop": True,
        "crop_size": {"height": 24, "width": 24}, "do_rescale": True, "rescale_factor": 1 / 255, "do_normalize": True,
        "image_mean": [0.5, 0.25, 0.125], "image_std": [0.5, 0.25, 0.75], "image_processor_type": "CLIPImageProcessor"}
rows = np.random.default_rng(1).integers(0, 256, (24, 24, 3), dtype="u1")
open(tmp + "/square.ppm", "wb").write(b"P6 24 24 255\n" + rows.tobytes())
# Its first twelve columns are outside of a centre crop.
stripe = np.zeros((24, 48, 3), "u1")
stripe[:, :12] = 255
open(tmp + "/wide.ppm", "wb").write(b"P6 48 24 255\n" + stripe.tobytes())


def image_folder(nested=None, plain=None):
    path = folder("images")
    for name in ("processor_config.json", "preprocessor_config.json"):
        if os.path.exists(path + "/" + name):
            os.remove(path + "/" + name)
    if nested is not None:
        put(path, "processor_config.json", nested)
    if plain is not None:
        put(path, "preprocessor_config.json", plain)
    return path


def sees(text, path, mean, std, squash=False):
    """The model of the folder normalises by these and squashes or crops."""
    model = converts(text, path)
    tap.run("preprocess", tmp + "/square.ppm", "-m", model, "--npy", tmp + "/p.npy")
    got = np.load(tmp + "/p.npy")
    want = ((rows / 255.0 - np.array(mean)) / np.array(std)).transpose(2, 0, 1)
    tap.run("preprocess", tmp + "/wide.ppm", "-m", model, "--stage", "crop", "--npy", tmp + "/c.npy")
    seen = np.load(tmp + "/c.npy").max() > 0
    tap.check(np.abs(got - want).max() < 1e-5 and seen == squash,
              "%.1e from the formula, %s" % (np.abs(got - want).max(), "squashed" if seen else "cropped"))


mean, std = clip["image_mean"], clip["image_std"]
openai = [0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711]
half = [0.5] * 3, [0.5] * 3
sees("preprocessor_config.json", image_folder(plain=clip), mean, std)
sees("processor_config.json alone", image_folder({"processor_class": "CLIPProcessor", "image_processor": clip}), mean, std)
sees("both: the nested one wins", image_folder({"image_processor": clip}, dict(clip, image_mean=[0.1, 0.2, 0.3])), mean, std)
sees("a processor_config.json without one", image_folder({"processor_class": "CLIPProcessor"}, clip), mean, std)
sees("a size that is a number", image_folder(plain=dict(clip, size=24, crop_size=24)), mean, std)
sees("height and width", image_folder(plain=dict(clip, size={"height": 24, "width": 24})), mean, std, True)
sees("no do_normalize", image_folder(plain=dict(clip, do_normalize=False)), [0] * 3, [1] * 3)
sees("a mean that is a number", image_folder(plain=dict(clip, image_mean=0.5, image_std=0.25)), [0.5] * 3, [0.25] * 3)
sees("keys of null", image_folder(plain=dict(clip, image_mean=None, image_std=None, do_pad=None, crop_pct=None)), *openai)
sees("a feature_extractor_type", image_folder(plain={"feature_extractor_type": "CLIPFeatureExtractor", "size": 24}), *openai)
for name, mean_std in (("ViTImageProcessor", half), ("ViTFeatureExtractor", half), ("ViTImageProcessorFast", half),
                       ("SiglipImageProcessor", half), ("BlipImageProcessor", openai)):
    key = "feature_extractor_type" if "Feature" in name else "image_processor_type"
    sees(name, image_folder(plain={key: name, "size": 24}), *mean_std, squash=True)
sees("a ViTImageProcessor, nested", image_folder({"image_processor": {"image_processor_type": "ViTImageProcessor",
     "size": {"height": 24, "width": 24}}}), *half, squash=True)
for key, value in (("image_mean", [0.1, 0.2, 0.3, 0.4]), ("image_mean", [0.5]), ("image_mean", []), ("image_mean", ["0.5"] * 3),
                   ("image_std", [0.5, 0, 0.5]), ("image_std", [0.5, 0.5, -0.5]), ("image_std", 0), ("image_std", [1e300] * 3),
                   ("image_std", [0.1, 0.2]), ("size", 32), ("size", {"shortest_edge": 23}), ("size", {"height": 24}),
                   ("size", {"longest_edge": 24}), ("size", {"height": 24, "width": 12}), ("size", [24, 25]), ("size", "24"),
                   ("crop_size", 23), ("crop_size", {"height": 24}), ("crop_size", {"shortest_edge": 24}),
                   ("do_resize", False), ("do_resize", "false"), ("do_center_crop", False), ("do_rescale", False),
                   ("rescale_factor", 1 / 127.5), ("rescale_factor", 0), ("resample", 0), ("resample", "bicubic"),
                   ("do_pad", True), ("do_flip_channel_order", True), ("crop_pct", 0.9), ("offset", True),
                   ("image_processor_type", "ConvNextImageProcessor"), ("image_processor_type", "CLIP"),
                   ("image_processor_type", 3)):
    refused("%s of %s" % (key, value), image_folder(plain=dict(clip, **{key: value})), "preprocessor_config.json",
            '"%s" is ' % key, args=("--no-goldens",))
refused("the same, nested", image_folder({"image_processor": dict(clip, image_std=[1, 1, 0])}), "processor_config.json",
        '"image_processor.image_std" is [1, 1, 0]')
refused("a crop that a ViT processor asks for", image_folder(plain={"image_processor_type": "ViTImageProcessor", "size": 24,
        "do_center_crop": True, "crop_size": 20}), "crop_size")
refused("a shorter side for a ViT processor", image_folder(plain={"image_processor_type": "ViTImageProcessor",
        "size": {"shortest_edge": 24}}), '"size" is')

# ---- Tokens beside the vocabulary: none may get other ids without a word.
stand_ins = [chr(b) if 33 <= b <= 126 or 161 <= b <= 172 or b >= 174 else None for b in range(256)]
n = 0
for b in range(256):
    if stand_ins[b] is None:
        stand_ins[b] = chr(256 + n)
        n += 1
vocab = stand_ins + [s + "</w>" for s in stand_ins] + ["at</w>", "cat</w>"]
vocab += ["<extra%d>" % i for i in range(572 - len(vocab))] + ["<|startoftext|>", "<|endoftext|>"]
ids = {w: i for i, w in enumerate(vocab)}
merges = ["a t</w>", "c at</w>"]
start, end = ({"content": "<|startoftext|>", "lstrip": False, "normalized": True, "rstrip": False, "single_word": False},
              {"content": "<|endoftext|>", "lstrip": False, "normalized": True, "rstrip": False, "single_word": False})


def fast(added, **model):
    return {"added_tokens": added, "model": dict({"type": "BPE", "end_of_word_suffix": "</w>",
            "vocab": {w: i for w, i in ids.items() if i < 572}, "merges": merges}, **model)}


def words(*files, slow=True):
    path = "%s/words" % tmp
    shutil.rmtree(path, ignore_errors=True)
    if slow:
        put(path, "vocab.json", ids)
        put(path, "merges.txt", ("#version: 0.2\n" + "\n".join(merges) + "\n").encode())
    for name, value in files:
        put(path, name, value)
    return path


def tokens(text, path):
    model = converts(text, folder("plain"), "--vocab", path)
    got = tap.run("tokenize", "a cat <|endoftext|>", "-m", model)[1].split()
    tap.check(got == [b"572", b"%d" % ids["a</w>"], b"%d" % ids["cat</w>"], b"573", b"573"], "its ids: %s" % got)


both = [dict(start, id=572, special=True), dict(end, id=573, special=True)]
tokens("vocab.json alone", words())
tokens("the special tokens, listed in every file", words(
    ("added_tokens.json", {"<|startoftext|>": 572, "<|endoftext|>": 573}), ("tokenizer.json", fast(both)),
    ("tokenizer_config.json", {"added_tokens_decoder": {"572": start, "573": end}, "pad_token": "<|endoftext|>",
                               "bos_token": start, "additional_special_tokens": []}),
    ("special_tokens_map.json", {"bos_token": start, "eos_token": end, "unk_token": end, "pad_token": "<|endoftext|>"})))
tokens("tokenizer.json alone", words(("tokenizer.json", fast(both)), slow=False))
tokens("tokenizer.json by name, whatever lies beside it",
       words(("tokenizer.json", fast(both)), ("added_tokens.json", {"<cat-toy>": 574})) + "/tokenizer.json")
toy = dict(start, content="<cat-toy>", normalized=False)
for text, name, value in (
        ("added_tokens.json", "added_tokens.json", {"<cat-toy>": 574}),
        ("a word of the vocabulary, added", "added_tokens.json", {"cat": 571}),
        ("tokenizer.json", "tokenizer.json", fast(both + [dict(toy, id=574)])),
        ("tokenizer_config.json", "tokenizer_config.json", {"added_tokens_decoder": {"572": start, "574": toy}}),
        ("additional special tokens", "special_tokens_map.json", {"additional_special_tokens": ["<cat-toy>"]}),
        ("the same, as objects", "tokenizer_config.json", {"additional_special_tokens": [toy]}),
        ("extra special tokens by name", "tokenizer_config.json", {"extra_special_tokens": {"toy_token": "<cat-toy>"}}),
        ("a padding token", "special_tokens_map.json", {"pad_token": "!"}),
        ("the end token with another id", "added_tokens.json", {"<|endoftext|>": 570}),
        ("a start token that takes the blanks before it", "tokenizer_config.json",
         {"added_tokens_decoder": {"572": dict(start, lstrip=True)}}),
        ("an end token that takes the blanks behind it", "tokenizer_config.json",
         {"added_tokens_decoder": {"573": dict(end, rstrip=True)}}),
        ("an end token that no letter may touch", "tokenizer.json", fast([dict(start, id=572), dict(end, id=573, single_word=True)]))):
    refused("added by " + text, folder("plain"), "words/" + name, "adds the token", "--vocab", args=("--vocab", words((name, value))))
refused("tokenizer.json alone, with one more", folder("plain"), "words/tokenizer.json", "<cat-toy>",
        args=("--vocab", words(("tokenizer.json", fast(both + [dict(toy, id=574)])), slow=False)))

# ---- Files that are no safetensors are named by their bytes, whatever they are called.
zip_head = b"PK\3\4" + bytes(26) + b"archive/data.pkl" + bytes(600)
kinds = [
    ("half of PyTorch's zip", zip_head, "truncated", "ZIP", "fetch the file again"),
    ("a zip of nothing", b"PK\5\6" + bytes(18), "ZIP", "without data.pkl"),
    ("a pickle", b"\x80\2}q\0." + bytes(100), "a pickle, but none of PyTorch"),
    ("GGUF", b"GGUF\3\0\0\0" + bytes(100), "GGUF", "llama.cpp"),
    ("ONNX", b"\x08\x07\x12\x07pytorch\x1a\x05" + bytes(100), "ONNX", "HuggingFace"),
    ("HDF5", b"\x89HDF\r\n\x1a\n" + bytes(100), "HDF5", "from_tf=True"),
    ("Flax", b"\x81\xaatext_model" + bytes(100), "MessagePack", "from_flax=True"),
    ("a tar", b"model.safetensors" + bytes(240) + b"ustar\0" + bytes(300), "a tar archive", "unpack"),
    ("gzip", b"\x1f\x8b\x08" + bytes(100), "gzip", "unpack"),
    ("a git-lfs pointer", b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 605157884\n",
     "a git-lfs pointer", "git lfs pull"),
    ("an HTML page", b"<!DOCTYPE html>\n<html><head><title>404</title>", "an HTML page", "download failed"),
    ("another one", b"  \n<HTML lang=en>", "an HTML page", "download failed"),
    ("an error of S3", b"<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code></Error>", "an XML document", "download failed"),
    ("a sentence", b"Invalid username or password.", "a text"),
    ("JSON", b"{\"a\": 1, \"b\": 2}", "a text of JSON"),
    ("nothing", b"", "empty"),
    ("noise", bytes(range(200, 256)) * 4, "not a safetensors file"),
    ("seven bytes", b"\1\2\3\4\5\6\7", "not a safetensors file"),
    ("half of a safetensors file", open(mini + "/model.safetensors", "rb").read()[:1000], "truncated"),
]
for text, data, *hints in kinds:
    for name in ("model.safetensors", "ViT-B-32.pt"):
        path = put(folder("named"), name, data) + "/" + name
        refused("%s as %s" % (text, name), path, path, *hints)
    refused(text + " in a folder", put(folder("named"), "model.safetensors", data), "named/model.safetensors", *hints)
refused("a config.json that is a pointer", put(folder("pointer"), "config.json", kinds[9][1]), "config.json", "a git-lfs pointer")
refused("a config.json that is a page", put(folder("pointer"), "config.json", kinds[10][1]), "config.json", "an HTML page")
refused("no config.json", (lambda p: (os.remove(p + "/config.json"), p)[1])(folder("alone")), "config.json", "no such file")
converts("safetensors by another name", shutil.copy(mini + "/model.safetensors", folder("plain") + "/weights.bin"))

# ---- Folders without model.safetensors say what they hold.
for text, name, data, *hints in (
        ("half of PyTorch's", "pytorch_model.bin", zip_head, "pytorch_model.bin", "truncated"),
        ("shards of PyTorch without their index", "pytorch_model-00001-of-00002.bin", zip_head,
         "pytorch_model-00001-of-00002.bin", "name that file"),
        ("a .pt", "ViT-B-32.pt", zip_head, "ViT-B-32.pt", "name that file"),
        ("TensorFlow", "tf_model.h5", b"\x89HDF\r\n\x1a\n", "tf_model.h5", "HDF5"),
        ("Flax", "flax_model.msgpack", b"\x81\xaatext_model", "flax_model.msgpack", "MessagePack"),
        ("ONNX", "model.onnx", b"\x08\x07\x12\x07pytorch", "model.onnx", "ONNX"),
        ("GGUF", "clip.gguf", b"GGUF", "clip.gguf", "GGUF"),
        ("OpenCLIP", "open_clip_model.safetensors", b"\2\0\0\0\0\0\0\0{}", "open_clip_model.safetensors", "no CLIP model"),
        ("OpenCLIP's pickle", "open_clip_pytorch_model.bin", zip_head, "open_clip_pytorch_model.bin", "truncated"),
        ("a pointer", "pytorch_model.bin", kinds[9][1], "pytorch_model.bin", "git-lfs"),
        ("a folder inside", "0_CLIPModel/model.safetensors", b"", "/0_CLIPModel", "name that one")):
    path = put(folder("other/" + text.replace(" ", "-"), None), name, data)
    refused("a folder of " + text, path, *hints)
half_precision = folder("other/fp16", None)
write_safetensors(half_precision + "/model.fp16.safetensors", source)
refused("a folder of model.fp16.safetensors", half_precision, half_precision + "/model.fp16.safetensors", "name that file")
converts("which converts when named", half_precision + "/model.fp16.safetensors")
hub = tmp + "/models--org--name"
os.makedirs(hub + "/blobs")
put(hub, "refs/main", b"c0ffee\n")
for h in ("aaaaaa", "c0ffee"):
    shutil.copytree(folder("plain"), "%s/snapshots/%s" % (hub, h))
refused("a cache folder of the hub", hub, hub + "/snapshots/c0ffee")
os.remove(hub + "/refs/main")
refused("the same without refs", hub, hub + "/snapshots/aaaaaa")
converts("the snapshot converts", hub + "/snapshots/c0ffee")

# ---- Tensors of other families are named.
for text, name, hint in (("OpenAI's names", "visual.conv1.weight", "--arch"), ("a ResNet", "visual.layer1.0.conv1.weight", "would need convolutions"),
                         ("EVA", "visual.blocks.0.attn.q_bias", "EVA"), ("CoCa", "text_decoder.ln_final.bias", "CoCa"),
                         ("a BERT", "text.transformer.embeddings.position_ids", "text tower of transformers"), ("SigLIP", "vision_model.head.probe", "patch_embedding.weight"),
                         ("timm", "visual.trunk.patch_embed.proj.weight", "timm"), ("no CLIP", "bert.encoder.weight", "no CLIP model")):
    refused(text, folder("family", {name: np.zeros((2, 2), "f4")}), hint)

code, stdout, _ = tap.run("convert", "--help")
tap.check(code == 0 and b"hf download" in stdout and b"git clone" in stdout, "convert --help says how to get a folder")
shutil.rmtree(tmp)
tap.done()
