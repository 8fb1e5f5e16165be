"""One model under the names of OpenAI, OpenCLIP and HuggingFace: the same vectors from all of them, and
every variant decided by the files or said aloud.  The files are made from tests/golden/mini here."""
import collections
import gzip
import itertools
import json
import os
import shutil
import struct
import zlib

import numpy as np

import read_clipc
import tap
import torch_files as torch
from checkpoints import config, converts, folder, mini, out, refused, source, tmp, wide, write_safetensors


def openai(tensors):
    """mini's tensors as class CLIP of clip/model.py names and shapes them."""
    new = collections.OrderedDict()
    for tower, prefix in (("vision_model", "visual."), ("text_model", "")):
        for name in sorted(tensors):
            if not name.startswith(tower + ".encoder.layers."):
                continue
            layer, part = name[len(tower) + 16:].split(".", 1)
            block = "%stransformer.resblocks.%s." % (prefix, layer)
            attention = part.split(".")[0] == "self_attn"
            if attention and part.split(".")[1] in ("k_proj", "v_proj"):
                continue
            if attention and part.split(".")[1] == "q_proj":
                kind = part.split(".")[2]
                new[block + "attn.in_proj_" + kind] = np.concatenate(
                    [tensors[name.replace("q_proj", x + "_proj")] for x in "qkv"])
                continue
            for theirs, ours in (("self_attn.out_proj", "attn.out_proj"), ("mlp.fc1", "mlp.c_fc"), ("mlp.fc2", "mlp.c_proj"),
                                 ("layer_norm1", "ln_1"), ("layer_norm2", "ln_2")):
                part = part.replace(theirs, ours)
            new[block + part] = tensors[name]
    for theirs, ours in (("vision_model.embeddings.patch_embedding.weight", "visual.conv1.weight"),
                         ("vision_model.embeddings.class_embedding", "visual.class_embedding"),
                         ("vision_model.embeddings.position_embedding.weight", "visual.positional_embedding"),
                         ("text_model.embeddings.token_embedding.weight", "token_embedding.weight"),
                         ("text_model.embeddings.position_embedding.weight", "positional_embedding"), ("logit_scale", "logit_scale")):
        new[ours] = tensors[theirs]
    for theirs, ours in (("vision_model.pre_layrnorm", "visual.ln_pre"), ("vision_model.post_layernorm", "visual.ln_post"),
                         ("text_model.final_layer_norm", "ln_final")):
        for kind in ("weight", "bias"):
            new["%s.%s" % (ours, kind)] = tensors["%s.%s" % (theirs, kind)]
    new["visual.proj"] = tensors["visual_projection.weight"].T.copy()
    new["text_projection"] = tensors["text_projection.weight"].T.copy()
    return new


def vectors(model):
    """Embeddings of mini's pixels and tokens, as bytes."""
    for kind in ("pixels", "tokens"):
        tap.run("embed", "-m", model, "--" + kind, "%s/%s.npy" % (mini, kind), "--npy", "%s/%s.npy" % (tmp, kind))
    return [np.load("%s/%s.npy" % (tmp, kind)).tobytes() for kind in ("pixels", "tokens")]


def here(name):
    path = "%s/%s" % (tmp, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    return path


def said(path, *args):
    """Vectors and messages of the conversion."""
    code, _, err = tap.run("convert", path, "-o", out, *args)
    return (vectors(out) if code == 0 else None), err


theirs = openai(source)
want = vectors(converts("mini", mini))
erf = vectors(converts("mini with the other GELU", folder("erf", **{k: dict(config()[k], hidden_act="gelu")
                                                                    for k in ("vision_config", "text_config")})))
tap.check(erf[0] != want[0] and erf[1] != want[1], "which changes both")

# ---- OpenAI: state dicts of every layout, and TorchScript, whose classes name the GELU.
path = here("openai/ViT-tiny.pt")
for text, write, more in (("zip", torch.write_zip, {}), ("aligned zip", torch.write_zip, {"align": True}),
                          ("protocol 4", torch.write_zip, {"protocol": 4}), ("before 1.6", torch.write_old, {})):
    write(path, torch.tensors(theirs), **more)
    got, err = said(path)
    tap.check(got == want and "quick" in err and "--arch" in err, "a state dict, %s: the same vectors, and the guess is said" % text)


def script(arrays, gelu):
    """An archive of TorchScript: modules by their attributes."""
    where = "__torch__.multimodal.model.multimodal_transformer"
    flat = torch.tensors(arrays)
    root = torch.Script(torch.stand_in(where + ".___torch_mangle_9591", "Multimodal"), training=True)
    for name, t in flat.items():
        at = root
        *parts, last = name.split(".")
        for p in parts:
            at = at.state.setdefault(p, torch.Script(torch.stand_in(where, "Module")))
        at.state[last] = t
    if gelu:
        root.state["visual"].state["gelu"] = torch.Script(torch.stand_in(gelu[0], gelu[1]), training=True)
    return root


scripted = dict(theirs, input_resolution=np.array(24), context_length=np.array(77), vocab_size=np.array(574))
jit = (("constants.pkl", b"\x80\x02)."),)
torch.write_zip(path, script(scripted, ("__torch__.multimodal", "QuickGELU")), more=jit)
got, err = said(path)
tap.check(got == want and "GELU" not in err, "TorchScript with QuickGELU: nothing is guessed")
torch.write_zip(path, script(scripted, None), more=jit)
got, err = said(path)
tap.check(got == want and "GELU is quick" in err, "TorchScript that names none: the guess is said")
torch.write_zip(path, script(scripted, ("__torch__.torch.nn.modules.activation", "GELU")), more=jit)
refused("TorchScript with nn.GELU", path, "erf GELU", "--arch")
torch.write_zip(path, script(scripted, ("__torch__.multimodal", "QuickGELU")), more=jit)
refused("QuickGELU against --arch", path, "QuickGELU", "ViT-B-32", args=("--arch", "ViT-B-32"))
header, tensors = read_clipc.read(said(path) and out)
tap.check(tensors["vision.00.attn_in.weight"].dtype == np.float16 and
          (tensors["text.projection.weight"] == theirs["text_projection"].T).all(), "f16 stays f16, and projections are turned")
mixed = {k: v if v.ndim != 1 else v.astype("f4") for k, v in theirs.items()}
torch.write_zip(path, torch.tensors(mixed))
tap.check(said(path)[0] == want, "f16 beside f32 LayerNorms, as published")
bare = dict(theirs)
del bare["visual.transformer.resblocks.0.mlp.c_proj.bias"]
for text, arrays, words in (
        ("a missing tensor", bare, ("c_proj.bias", "missing")),
        ("an extra one", dict(theirs, extra=np.zeros(2, "f4")), ("'extra'",)),
        ("a projection the other way round", dict(theirs, **{"visual.proj": theirs["visual.proj"].T.copy()}), ("visual.proj", "[64, 32]")),
        ("positions that are no square", dict(theirs, **{"visual.positional_embedding": np.zeros((9, 64), "f2")}), ("no square",)),
        ("a table of one dimension", dict(theirs, **{"token_embedding.weight": np.zeros(574, "f2")}), ("token_embedding", "shape")),
        ("a width of no heads", dict(theirs, **{"ln_final.weight": np.zeros(32, "f2")}), ("width 32", "--arch"))):
    torch.write_zip(path, torch.tensors(arrays))
    refused(text, path, *words)

# A byte that is another one is no other model: the archive's CRC-32 of each entry is held.
def entries(data):
    """name: (place of the bytes, how many, place of its CRC-32 in the list, and in its own header)"""
    found, at = {}, struct.unpack("<I", data[-6:-2])[0]
    while data[at:at + 4] == b"PK\1\2":
        n, extra, comment = struct.unpack("<HHH", data[at + 28:at + 34])
        local = struct.unpack("<I", data[at + 42:at + 46])[0]
        head = 30 + sum(struct.unpack("<HH", data[local + 26:local + 30]))
        found[data[at + 46:at + 46 + n].decode()] = (local + head, struct.unpack("<I", data[at + 20:at + 24])[0], at + 16, local + 14)
        at += 46 + n + extra + comment
    return found


torch.write_zip(path, torch.tensors(theirs))
intact = open(path, "rb").read()
places = entries(intact)
largest = max(places, key=lambda n: places[n][1])
for name, offset in ((largest, 0), (largest, places[largest][1] - 1), (largest, places[largest][1] // 2), ("archive/version", 0)):
    data = bytearray(intact)
    data[places[name][0] + offset] ^= 1
    open(path, "wb").write(data)
    crc = "%08x" % zlib.crc32(data[places[name][0]:places[name][0] + places[name][1]])
    refused("byte %d of %s" % (offset, name), path, "damaged", "'%s'" % name, crc)
code, _, err = tap.run("info", path, "--dump", "logit_scale", tmp + "/dump.npy")
tap.check(code == 1 and "CRC-32" in err and not os.path.exists(tmp + "/dump.npy"), "nor does info --dump write a part of it: " + err.strip())
for text, those in (("none has one", places), ("all but one are wrong", [n for n in places if n != "archive/data.pkl"])):
    data = bytearray(intact)
    for name in those:
        for at in places[name][2:]:
            data[at:at + 4] = b"\1\2\3\4"
    open(path, "wb").write(data)
    got, err = said(path)
    tap.check(got == want if those is places else got is None and "CRC-32" in err, "CRCs: %s: %s" % (text, err.strip().splitlines()[-1:]))

# ---- OpenCLIP: its config decides; without one, its name or nothing.
towers = {"embed_dim": 32, "vision_cfg": {"image_size": 24, "layers": 1, "width": 64, "patch_size": 8},
          "text_cfg": {"context_length": 77, "vocab_size": 574, "width": 64, "heads": 1, "layers": 1}}


def cfg(vision=None, text=None, pictures=None, **model):
    return {"model_cfg": dict(towers, vision_cfg=dict(towers["vision_cfg"], **(vision or {})),
                              text_cfg=dict(towers["text_cfg"], **(text or {})), **model), "preprocess_cfg": pictures or {}}


numbers = itertools.count()


def open_clip(content, name="open_clip_model.safetensors", write=write_safetensors, arrays=theirs):
    """A folder of OpenCLIP with this config (None: without)."""
    path = here("oc%d/%s" % (next(numbers), name))
    write(path, arrays)
    if content is not None:
        json.dump(content, open(os.path.dirname(path) + "/open_clip_config.json", "w"))
    return os.path.dirname(path)


def pt(path, arrays):
    torch.write_zip(path, torch.tensors(arrays))


def epoch(path, arrays):
    state = torch.tensors(collections.OrderedDict(("module." + k, v) for k, v in arrays.items()))
    moments = torch.tensors({"exp_avg": theirs["visual.proj"]}, first=1000)
    torch.write_zip(path, {"epoch": 2, "name": "run", "state_dict": state, "optimizer": {"state": {0: {"step": 4, **moments}}}})


quick = cfg(quick_gelu=True)
p = open_clip(quick)
for text, q in (("a folder", p), ("its file", p + "/open_clip_model.safetensors"),
                ("the pickle", open_clip(quick, "open_clip_pytorch_model.bin", pt)),
                ("a training checkpoint", open_clip(quick, "epoch_2.pt", epoch) + "/epoch_2.pt"),
                ("under the names of torch.compile", open_clip(quick, "x.pt", lambda p, a: pt(p, {"_orig_mod." + k: v for k, v in a.items()})) + "/x.pt"),
                ("a CustomTextCLIP", open_clip(cfg(quick_gelu=True, custom_text=True), arrays={
                    ("" if k.startswith("visual.") or k == "logit_scale" else "text.") + k: v for k, v in theirs.items()}))):
    got, err = said(q)
    tap.check(got == want and "GELU" not in err, "%s: the same vectors %s" % (text, err.strip()[-100:] if got is None else ""))
tap.check(said(open_clip(cfg()))[0] == erf, "without quick_gelu it is the one by erf")
tanh = said(open_clip(cfg({"act_kwargs": {"approximate": "tanh"}}, {"act_kwargs": {"approximate": "tanh"}})))[0]
tap.check(tanh not in (want, erf, None), "act_kwargs asks for the one by tanh")
tap.check(said(open_clip(cfg({"norm_kwargs": {"eps": 1e-3}})))[0][0] != erf[0], "norm_kwargs has the epsilon")
small = {k: v for k, v in theirs.items() if not k.startswith("visual.ln_pre")}
code, _, err = tap.run("convert", open_clip(cfg({"no_ln_pre": True}), arrays=small), "-o", out)
tap.check(code == 0, "no_ln_pre needs no ln_pre " + err.strip()[-100:])
heads = read_clipc.read(converts("heads of 16", open_clip(cfg({"head_width": 16}, {"heads": 4}))))
tap.check(vectors(out)[0] != erf[0] and vectors(out)[1] != erf[1], "changes both towers")
code, _, _ = tap.run("convert", open_clip(cfg(pictures={"mean": [0.1, 0.2, 0.3], "std": 0.5, "resize_mode": "squash",
                                                        "interpolation": "bilinear", "size": [24, 24]})), "-o", out)
shown = tap.run("info", out)[1].decode()
tap.check(code == 0 and "squash, bilinear, order of openai; mean 0.1 0.2 0.3, std 0.5 0.5 0.5" in shown, "preprocess_cfg")
# What CLIPA has: the mean of the patches, before or after ln_post; texts that see their padding, pooled at the end.
means = [said(open_clip(cfg({"pool_type": "avg", "final_ln_after_pool": after})))[0] for after in (False, True)]
tap.check(means[0] and means[1] and len({m[0] for m in means + [erf]}) == 3 and means[0][1] == erf[1], "pool_type avg, ln_post before and after it")
tap.check(said(open_clip(cfg({"final_ln_after_pool": True})))[0] == erf, "of one row it is the same")
seen = [said(open_clip(cfg(text=text)))[0] for text in ({}, {"pool_type": "last"}, {"no_causal_mask": True}, {"no_causal_mask": True, "pool_type": "last"})]
tap.check(None not in seen and len({v[1] for v in seen}) == 3 and seen[1] == seen[3] and {v[0] for v in seen} == {erf[0]},
          "pool_type last, no_causal_mask, and both, where the last row of one layer sees all in either case")
shown = tap.run("info", out)[1].decode()
tap.check("padded to the context with 0" in shown, "and then padding is attended to")
layer = dict(theirs, **{"text_projection.weight": theirs["text_projection"].T.copy(), "text_projection.bias": np.zeros(32, "f2")})
del layer["text_projection"]
tap.check(said(open_clip(cfg(text={"proj_bias": True}), arrays=layer))[0] == erf, "a projection that is a layer, its bias 0: the same vectors")
raw = []
for bias in (0, 1):
    layer["text_projection.bias"] = bias * np.arange(32, dtype="f2")
    said(open_clip(cfg(text={"proj_bias": True}), arrays=layer))
    tap.run("embed", "-m", out, "--raw", "--tokens", mini + "/tokens.npy", "--npy", tmp + "/raw.npy")
    raw.append(np.load(tmp + "/raw.npy"))
tap.check(np.abs(raw[1] - raw[0] - np.arange(32)).max() < 1e-5, "and its bias is added")
# LayerScale: the gains are multiplied into the layers, in f32, where 16 bits would round them.
f4, gains = {k: v.astype("f4") for k, v in theirs.items()}, {}
folded = dict(f4)
for block in ("visual.transformer.resblocks.0.", "transformer.resblocks.0."):
    for gamma, layer in (("ls_1", "attn.out_proj"), ("ls_2", "mlp.c_proj")):
        gains[block + gamma + ".gamma"] = gain = (2. ** np.random.default_rng(len(gains)).integers(-9, 2, 64) * -1).astype("f4")
        folded[block + layer + ".weight"] = f4[block + layer + ".weight"] * gain[:, None]
        folded[block + layer + ".bias"] = f4[block + layer + ".bias"] * gain
ls = {"ls_init_value": 1e-5}
p = open_clip(cfg(ls, ls), arrays=dict(theirs, **gains))
got = said(p)[0]
tap.check(got == said(open_clip(cfg(), arrays=folded))[0] and got != erf, "LayerScale: the vectors of a model with its gains in the layers")
said(p)
header, tensors = read_clipc.read(out)
tap.check(tensors["vision.00.attn_out.weight"].dtype == np.float32, "whose file is f32, though the source is f16")
tap.check(tap.run("convert", p, "-o", out, "--dtype", "f16")[0] == 0, "--dtype f16 rounds")
refused("gains that the config does not know", open_clip(cfg(ls), arrays=dict(theirs, **gains)), "'transformer.resblocks.0.ls_1.gamma' does not belong")
refused("a gain for each input", open_clip(cfg(ls, ls), arrays=dict(theirs, **dict(gains, **{"transformer.resblocks.0.ls_2.gamma": np.ones(256, "f4")}))), "ls_2.gamma", "found [256]")
refused("a gain that is none", open_clip(cfg(ls, ls), arrays=dict(theirs, **dict(gains, **{"transformer.resblocks.0.ls_2.gamma": np.full(64, np.nan, "f4")}))), "ls_2.gamma", "NaN")
bert = {"hf_tokenizer_name": "bert-base-uncased"}
for more, ends in (({}, 102), ({"tokenizer_kwargs": {"strip_sep_token": True}}, 0)):
    p = open_clip(cfg(text=dict(bert, **more)))
    got, err = said(p)
    tap.check(got == erf and "no tokenizer.json or vocab.txt of BERT" in err and "bert-base-uncased" in err and "start 101, end %d;" % ends in tap.run("info", out)[1].decode() and
              tap.run("embed", "-m", out, "--text", "a")[0] == 1, "BERT's ids, but not its words: %s" % err.strip())
refused("a vocabulary for it that is none", p, "no tokenizer.json or vocab.txt of BERT", args=("--vocab", mini))
biased = dict(theirs, logit_bias=np.array(-10, "f4"))
code, _, _ = tap.run("convert", open_clip(cfg(init_logit_bias=-10), arrays=biased), "-o", out)
tap.check(code == 0 and b"bias -10" in tap.run("info", out)[1], "a logit_bias is kept")
for name in ("open_clip_model.safetensors", "open_clip_pytorch_model.bin", "epoch_1.pt"):
    p = open_clip(None, name, write_safetensors if "safe" in name else epoch if "epoch" in name else pt)
    refused("%s without a config" % name, p + "/" + name, "open_clip_config.json", "--arch")
for vision, text, model, pictures, words in (
        ({"pool_type": "none"}, {}, {}, {}, "vision_cfg.pool_type"), ({"timm_model_name": "vit"}, {}, {}, {}, "timm_model_name"),
        ({"layers": [3, 4, 6, 3]}, {}, {}, {}, "ResNet"), ({"ls_init_value": 1e-4}, {}, {}, {}, "'visual.transformer.resblocks.0.ls_1.gamma' [64] is missing"), ({"ls_init_value": "small"}, {}, {}, {}, "ls_init_value"),
        ({"attentional_pool": True}, {}, {}, {}, "attentional_pool"), ({"head_width": 128}, {}, {}, {}, "head_width"),
        ({"image_size": 0}, {}, {}, {}, "image_size"), ({"patch_size": 25}, {}, {}, {}, "patch_size"),
        ({"mlp_ratio": 0}, {}, {}, {}, "mlp_ratio"), ({"mlp_ratio": 1e-9}, {}, {}, {}, "mlp_ratio"),
        ({"act_kwargs": {"approximate": "sigmoid"}}, {}, {}, {}, "act_kwargs"), ({"width": "wide"}, {}, {}, {}, "width"),
        ({"image_size": [24, 24]}, {}, {}, {}, "image_size"), ({"new_part": 3}, {}, {}, {}, "new_part"),
        ({}, {"pool_type": "first"}, {}, {}, "text_cfg.pool_type"), ({}, {"no_causal_mask": "yes"}, {}, {}, "no_causal_mask"),
        ({}, {"hf_model_name": "roberta-base"}, {}, {}, "hf_model_name"), ({}, {"hf_tokenizer_name": "t5"}, {}, {}, "hf_tokenizer_name"),
        ({}, {"proj_bias": True}, {}, {}, "'text_projection.weight' [32, 64] is missing"), ({}, {"proj_type": "mlp"}, {}, {}, "proj_type"),
        ({}, {"proj_type": "none"}, {}, {}, "texts become 64 numbers"), ({}, {"hf_tokenizer_name": "bert-base-uncased", "vocab_size": 100}, {}, {}, "vocab_size"),
        ({}, {"hf_tokenizer_name": "bert-base-uncased", "tokenizer_kwargs": {"language": "de"}}, {}, {}, "language"), ({}, {"heads": 3}, {}, {}, "heads"), ({}, {"heads": 0}, {}, {}, "heads"),
        ({}, {"embed_cls": True}, {}, {}, "embed_cls"), ({}, {"tokenizer_kwargs": {"clean": "canonicalize"}}, {}, {}, "tokenizer_kwargs"),
        ({}, {}, {"quick_gelu": "yes"}, {}, "quick_gelu"), ({}, {}, {"embed_dim": 16}, {}, "expected shape [64, 16]"),
        ({}, {}, {"multimodal_cfg": {"width": 3}}, {}, "multimodal_cfg"),
        ({}, {}, {}, {"resize_mode": "longest"}, "resize_mode"), ({}, {}, {}, {"interpolation": "nearest"}, "interpolation"),
        ({}, {}, {}, {"size": 32}, "size"), ({}, {}, {}, {"std": [0, 1, 1]}, "std")):
    refused(words, open_clip(cfg(vision, text, pictures, **model)), words, args=("--no-goldens",))
refused("a config without towers", open_clip({"model_cfg": {"embed_dim": 32}}), "vision_cfg")
refused("an unknown --arch", open_clip(quick), "ViT-B-99", "ViT-B-32[-quickgelu]", args=("--arch", "ViT-B-99"))
refused("a quick one that there is not", open_clip(quick), "known are", args=("--arch", "ViT-g-14-quickgelu"))
refused("another --arch", open_clip(quick), "shape", args=("--arch", "ViT-B-32"))
for name, width in (("L", 1024), ("H", 1280), ("bigG", 1664)):
    for pixels in ("", "-336"):
        name_ = "ViT-%s-14-CLIPA%s" % (name, pixels)
        refused("--arch " + name_, open_clip(None), "expected shape [%d, 3, 14, 14]" % width, args=("--arch", name_))
refused("--arch of SigLIP", open_clip(None), "--arch ViT-B-16-SigLIP", "visual.conv1", args=("--arch", "ViT-B-16-SigLIP"))
refused("a size that there is not", open_clip(None), "known are", args=("--arch", "ViT-L-14-CLIPA-337"))
refused("--arch for HuggingFace's", folder("plain"), "--arch", "config.json", args=("--arch", "ViT-B-32"))

# ---- HuggingFace: pickles, their shards, and one tower alone.
def hf(name, arrays, files, **more):
    """A folder of mini's config with the files [(name, tensors)] of PyTorch, and an index when there are several."""
    p = folder(name, None, **more)
    for f, names in files:
        torch.write_zip("%s/%s" % (p, f), torch.tensors({k: arrays[k] for k in names}))
    if len(files) > 1:
        json.dump({"weight_map": {k: f for f, names in files for k in names}}, open(p + "/pytorch_model.bin.index.json", "w"))
    return p


names = sorted(source)
got, _ = said(hf("bin", source, [("pytorch_model.bin", names)]))
tap.check(got == want, "pytorch_model.bin: the same vectors")
got, _ = said(hf("bins", source, [("pytorch_model-00001-of-00002.bin", names[:9]), ("pytorch_model-00002-of-00002.bin", names[9:])]))
tap.check(got == want, "its shards")
both = config()
for kind, mine, part in (("vision", "vision_model.", 0), ("text", "text_model.", 1)):
    projection = {"vision": "visual_projection.weight", "text": "text_projection.weight"}[kind]
    alone = {k: v for k, v in source.items() if k.startswith(mine) or k == projection}
    p = folder("tower", alone)
    json.dump(dict(both[kind + "_config"], model_type="clip_%s_model" % kind, projection_dim=32,
                   architectures=["CLIP%sModelWithProjection" % kind.title()]), open(p + "/config.json", "w"))
    code, _, err = tap.run("convert", p, "-o", out)
    shown = tap.run("info", out)[1].decode()
    tap.run("embed", "-m", out, "--" + ("pixels", "tokens")[part], "%s/%s.npy" % (mini, ("pixels", "tokens")[part]),
            "--npy", tmp + "/alone.npy")
    tap.check(code == 0 and np.load(tmp + "/alone.npy").tobytes() == want[part] and
              ("image tower none" in " ".join(shown.split())) == (kind == "text"), "the %s tower alone: the same vectors %s" % (kind, err))
    tap.check(tap.run("selftest", out)[0] == 0, "its self-test")
    del alone[projection]
    write_safetensors(p + "/model.safetensors", alone)
    refused("without its projection", p, projection, "missing")
p = folder("half", {k: v for k, v in source.items() if not k.startswith("text_model.")})
refused("one tower under the config of two", p, "text_model", "missing")

# ---- Three forms of one vocabulary.
words = tmp + "/words"
tap.byte_vocabulary(words)
lines = open(words + "/merges.txt").read().split("\n")[1:5]
# A list of merges makes the vocabulary itself: 512 bytes, its merges, start and end.
many = ["%s %s" % pair for pair in itertools.product("bcefghz", "ijklmnop")][:56]
text = "\n".join(lines + many) + "\n"
byte = [chr(b) for b in list(range(33, 127)) + list(range(161, 173)) + list(range(174, 256))]
byte += [chr(256 + i) for i in range(256 - len(byte))]
table = byte + [b + "</w>" for b in byte] + [m.replace(" ", "") for m in lines + many] + ["<|startoftext|>", "<|endoftext|>"]
forms = {"pair": "%s/pair" % tmp, "tokenizer": "%s/tokenizer.json" % tmp, "list": "%s/list/merges.txt" % tmp,
         "gzip": "%s/bpe_simple_vocab_16e6.txt.gz" % tmp, "text": "%s/bpe.txt" % tmp}
for f in (forms["pair"], tmp + "/list"):
    os.mkdir(f)
    open(f + "/merges.txt", "w").write("#version: 0.2\n" + text)
json.dump({t: i for i, t in enumerate(table)}, open(forms["pair"] + "/vocab.json", "w"))
json.dump({"model": {"type": "BPE", "vocab": {t: i for i, t in enumerate(table)}, "merges": lines + many}},
          open(forms["tokenizer"], "w"))
packed = gzip.compress(('"bpe_simple_vocab_16e6.txt#version: 0.2\n' + text).encode())
open(forms["gzip"], "wb").write(packed)
open(forms["text"], "w").write('"bpe_simple_vocab_16e6.txt#version: 0.2\n' + text)
pt(path, theirs)
ids = {}
for form, where in forms.items():
    tap.run("convert", path, "-o", out, "--vocab", where)
    ids[form] = tap.run("tokenize", "--json", "-m", out, "a cat and a dog", "big, Ünïcode 猫!")[1]
ids["folder of a list"] = (tap.run("convert", path, "-o", out, "--vocab", tmp + "/list"),
                           tap.run("tokenize", "--json", "-m", out, "a cat and a dog", "big, Ünïcode 猫!")[1])[1]
start = b"[[572, %d, %d, " % (table.index("a</w>"), table.index("cat</w>"))
tap.check(len(set(ids.values())) == 1 and ids["pair"].startswith(start), "the same ids from %s: %s" % (", ".join(ids), ids["pair"][:60]))
refused("a list that is too short", path, "574", args=("--vocab", (open(tmp + "/few.txt", "w").write("\n".join(lines)), tmp + "/few.txt")[1]))
refused("the same of HuggingFace's", path, "573", args=("--vocab", (lambda f: (os.makedirs(f), json.dump(
    {t: i for i, t in enumerate(table[:571] + table[572:])}, open(f + "/vocab.json", "w")), open(f + "/merges.txt", "w").write(""), f)[3])(tmp + "/less")))
for text, data, word in (("cut", packed[:-12], "gzip"), ("with another checksum", packed[:-8] + b"\0\0\0\0" + packed[-4:], "gzip"),
                         ("with another length", packed[:-4] + b"\1\0\0\0", "gzip"), ("without a body", packed[:12], "gzip"),
                         ("that unpacks to a gigabyte", gzip.compress(bytes(1 << 28)), "more than")):
    open(tmp + "/bad.gz", "wb").write(data)
    refused("a gzip file " + text, path, "bad.gz", word, args=("--vocab", tmp + "/bad.gz"))
for text, data in (("a picture", b"\x89PNG\r\n\x1a\n" + bytes(40)), ("prose", b"the quick brown fox\njumps over\n"), ("one merge twice", b"a b\na b\n")):
    open(tmp + "/bad.txt", "wb").write(data)
    refused("a list of merges that is " + text, path, "bad.txt", args=("--vocab", tmp + "/bad.txt"))
shutil.rmtree(tmp)
tap.done()
