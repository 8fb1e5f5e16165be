"""OpenCLIP's models with an image tower of timm: vectors against a forward pass in double precision here,
what each name there means, and files that are no such model."""
import json
import math
import os
import shutil

import numpy as np

import tap
from checkpoints import out, refused, tmp, write_safetensors

rng = np.random.default_rng(11)
WIDTH, DEPTH, HEADS, SIZE, PATCH, DIM = 24, 2, 3, 12, 4, 20
KWARGS = {"img_size": SIZE, "patch_size": PATCH, "embed_dim": WIDTH, "depth": DEPTH, "num_heads": HEADS}
TEXT = {"context_length": 8, "vocab_size": 40, "width": 16, "heads": 2, "layers": 1}


def tensors(prefix=False, pre_norm=False, pool="map", fc_norm=False, mlp=4 * WIDTH, dim=DIM, bias=False, width=WIDTH, scale=False):
    """A random model: timm's image tower and OpenCLIP's text tower."""
    t = {"logit_scale": np.array(1.5, "f4")}

    def put(name, *shape):
        t[name] = (rng.standard_normal(shape) * .3).astype("f4")

    def layer(name, *shape, bias=True):
        put(name + ".weight", *shape)
        if bias:
            put(name + ".bias", shape[0])

    def norm(name, n):
        t[name + ".weight"] = (1 + rng.standard_normal(n) * .2).astype("f4")
        put(name + ".bias", n)

    v = "visual.trunk."
    put(v + "pos_embed", 1, (SIZE // PATCH) ** 2 + prefix, width)
    layer(v + "patch_embed.proj", width, 3, PATCH, PATCH, bias=not pre_norm)
    if prefix:
        put(v + "cls_token", 1, 1, width)
    if pre_norm:
        norm(v + "norm_pre", width)
    for i in range(DEPTH):
        b = "%sblocks.%d." % (v, i)
        for name, shape in (("attn.qkv", (3 * width, width)), ("attn.proj", (width, width)), ("mlp.fc1", (mlp, width)), ("mlp.fc2", (width, mlp))):
            layer(b + name, *shape)
        norm(b + "norm1", width)
        norm(b + "norm2", width)
        if scale:
            put(b + "ls1.gamma", width)
            put(b + "ls2.gamma", width)
    norm(v + ("fc_norm" if fc_norm else "norm"), width)
    if pool == "map":
        a = v + "attn_pool."
        put(a + "latent", 1, 1, width)
        for name, shape in (("q", (width, width)), ("kv", (2 * width, width)), ("proj", (width, width)), ("mlp.fc1", (mlp, width)), ("mlp.fc2", (width, mlp))):
            layer(a + name, *shape)
        norm(a + "norm", width)
    if dim is not None:
        layer("visual.head.proj", dim, width, bias=bias)
    n, dim = TEXT["width"], dim or width
    put("text.token_embedding.weight", TEXT["vocab_size"], n)
    put("text.positional_embedding", TEXT["context_length"], n)
    b = "text.transformer.resblocks.0."
    put(b + "attn.in_proj_weight", 3 * n, n)
    put(b + "attn.in_proj_bias", 3 * n)
    for name, shape in (("attn.out_proj", (n, n)), ("mlp.c_fc", (4 * n, n)), ("mlp.c_proj", (n, 4 * n))):
        layer(b + name, *shape)
    for name in (b + "ln_1", b + "ln_2", "text.ln_final"):
        norm(name, n)
    put("text.text_projection", n, dim)
    return t


def cfg(name="vit_base_patch16_siglip_224", pool="map", kwargs=None, dim=DIM, **vision):
    return {"model_cfg": {"embed_dim": dim, "custom_text": True, "text_cfg": TEXT, "vision_cfg": dict({
        "image_size": SIZE, "timm_model_name": name, "timm_pool": pool, "timm_proj": "linear",
        "timm_model_kwargs": dict(KWARGS, **(kwargs or {}))}, **vision)}}


def folder(config, arrays):
    path = tmp + "/model"
    os.makedirs(path, exist_ok=True)
    write_safetensors(path + "/open_clip_model.safetensors", arrays)
    if config is not None:
        json.dump(config, open(path + "/open_clip_config.json", "w"))
    elif os.path.exists(path + "/open_clip_config.json"):
        os.remove(path + "/open_clip_config.json")
    return path


# ---- The forward pass as timm's class VisionTransformer has it, in double precision.
gelus = {"gelu": lambda x: x * .5 * (1 + np.vectorize(math.erf)(x / math.sqrt(2))), "quick": lambda x: x / (1 + np.exp(-1.702 * x)),
         "tanh": lambda x: x * .5 * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + .044715 * x ** 3)))}


def forward(t, pixels, pool, gelu, eps, heads=HEADS):
    t = {k: v.astype("f8") for k, v in t.items()}
    v = "visual.trunk."

    def layer(name, x):
        return x @ t[name + ".weight"].reshape(len(t[name + ".weight"]), -1).T + t.get(name + ".bias", 0)

    def norm(name, x):
        return (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + eps) * t[name + ".weight"] + t[name + ".bias"]

    def attend(q, k, v):
        q, k, v = (a.reshape(len(a), heads, -1).transpose(1, 0, 2) for a in (q, k, v))
        s = q @ k.transpose(0, 2, 1) / math.sqrt(q.shape[-1])
        s = np.exp(s - s.max(-1, keepdims=True))
        return (s / s.sum(-1, keepdims=True) @ v).transpose(1, 0, 2).reshape(q.shape[1], -1)

    def mlp(name, x):
        return layer(name + ".fc2", gelus[gelu](layer(name + ".fc1", x)))

    g = SIZE // PATCH
    x = layer(v + "patch_embed.proj", pixels.reshape(3, g, PATCH, g, PATCH).transpose(1, 3, 0, 2, 4).reshape(g * g, -1))
    prefix = v + "cls_token" in t
    x = np.concatenate(([t[v + "cls_token"][0, 0]] if prefix else np.zeros((0, x.shape[1])), x)) + t[v + "pos_embed"][0]
    if v + "norm_pre.weight" in t:
        x = norm(v + "norm_pre", x)
    for i in range(DEPTH):
        b = "%sblocks.%d." % (v, i)
        x = x + t.get(b + "ls1.gamma", 1) * layer(b + "attn.proj", attend(*np.split(layer(b + "attn.qkv", norm(b + "norm1", x)), 3, -1)))
        x = x + t.get(b + "ls2.gamma", 1) * mlp(b + "mlp", norm(b + "norm2", x))
    if v + "norm.weight" in t:
        x = norm(v + "norm", x)
    if pool == "map":
        a = v + "attn_pool."
        x = layer(a + "proj", attend(layer(a + "q", t[a + "latent"][0]), *np.split(layer(a + "kv", x), 2, -1)))[0]
        x = x + mlp(a + "mlp", norm(a + "norm", x))
    else:
        x = x[0] if pool == "token" else x[int(prefix):].mean(0)
    if v + "fc_norm.weight" in t:
        x = norm(v + "fc_norm", x)
    return layer("visual.head.proj", x) if "visual.head.proj.weight" in t else x


pixels = rng.standard_normal((3, 3, SIZE, SIZE)).astype("f4")
np.save(tmp + "/pixels.npy", pixels)
clip = {"prefix": True, "pre_norm": True, "pool": "token"}
for text, made, config, pool, gelu, eps in (
        ("SigLIP", {}, cfg(), "map", "gelu", 1e-6),
        ("SigLIP without a projection", {"dim": None}, cfg(timm_proj="none", dim=WIDTH), "map", "gelu", 1e-6),
        ("SigLIP 2's GELU", {}, cfg("vit_base_patch32_siglip_256"), "map", "tanh", 1e-6),
        ("an empty timm_pool", {}, cfg(pool=""), "map", "gelu", 1e-6),
        ("a mean", {"pool": "avg"}, cfg("vit_base_patch16_siglip_gap_224", "avg"), "avg", "gelu", 1e-6),
        ("a bias behind it", {"pool": "avg", "bias": True}, cfg("vit_base_patch16_siglip_gap_224.v2_webli", "avg", timm_proj_bias=True), "avg", "gelu", 1e-6),
        ("the plain one", {"prefix": True, "pool": "token"}, cfg("vit_small_patch16_224", "token"), "token", "gelu", 1e-6),
        ("a mean without the class token", {"prefix": True, "pool": "avg"}, cfg("vit_large_patch14_384", "avg"), "avg", "gelu", 1e-6),
        ("normalised behind the mean", {"prefix": True, "pool": "avg", "fc_norm": True}, cfg("vit_base_patch16_224", "avg"), "avg", "gelu", 1e-6),
        ("CLIP's", clip, cfg("vit_base_patch32_clip_224", "token"), "token", "gelu", 1e-5),
        ("CLIP's with a quick GELU", clip, cfg("vit_huge_patch14_clip_quickgelu_378", "token"), "token", "quick", 1e-5),
        ("LayerScale", {"scale": True}, cfg(kwargs={"init_values": 1e-5}), "map", "gelu", 1e-6),
        ("another GELU by act_layer", {}, cfg(kwargs={"act_layer": "gelu_tanh"}), "map", "tanh", 1e-6),
        ("another MLP by its name", {"mlp": int(WIDTH * 3.7362)}, cfg("vit_so400m_patch14_siglip_384"), "map", "gelu", 1e-6),
        ("another MLP by mlp_ratio", {"mlp": 60}, cfg(kwargs={"mlp_ratio": 2.5}), "map", "gelu", 1e-6)):
    arrays = tensors(**made)
    code, _, err = tap.run("convert", folder(config, arrays), "-o", out)
    if tap.check(code == 0, "%s converts %s" % (text, err.strip() if code else "")):
        tap.run("embed", "-m", out, "--raw", "--pixels", tmp + "/pixels.npy", "--npy", tmp + "/v.npy")
        want = np.array([forward(arrays, p, pool, gelu, eps) for p in pixels.astype("f8")])
        worst = np.abs(np.load(tmp + "/v.npy") - want).max() / np.abs(want).max()
        tap.check(worst < 2e-6, "%s: %.1e of the largest" % (text, worst))
tap.check(tap.run("selftest", out)[0] == 0, "its self-test")

# ---- What a name says without being overruled: the shapes that it asks for.
siglip = tensors()
for name, figures in (("vit_tiny_patch16_224", "[192, 3, 16, 16]"), ("vit_small_patch32_384", "[384, 3, 32, 32]"), ("vit_base_patch16_siglip_512", "[768, 3, 16, 16]"),
                      ("vit_large_patch16_siglip_256", "[1024, 3, 16, 16]"), ("vit_so400m_patch14_siglip_224", "[1152, 3, 14, 14]"),
                      ("vit_huge_patch14_clip_224", "[1280, 3, 14, 14]"), ("vit_giant_patch14_clip_224", "[1408, 3, 14, 14]"),
                      ("vit_giantopt_patch16_siglip_384", "[1536, 3, 16, 16]"), ("vit_gigantic_patch14_clip_quickgelu_224", "[1664, 3, 14, 14]")):
    refused(name, folder(cfg(name, "", timm_model_kwargs=None, image_size=32), siglip), "patch_embed.proj.weight", "expected shape " + figures)

# ---- The same by OpenCLIP's names for whole models: SIZE, patch, pixels, tanh of the text.
bare = folder(None, siglip)
for letter, width in (("B-16", 768), ("L-16", 1024), ("SO400M-14", 1152), ("SO400M-16", 1152), ("gopt-16", 1536), ("B-32", 768)):
    patch = int(letter[-2:])
    for pixels_ in {"B-16": ("SigLIP", "SigLIP-256", "SigLIP-i18n-256", "SigLIP-384", "SigLIP-512", "SigLIP2", "SigLIP2-256", "SigLIP2-384", "SigLIP2-512"),
                    "L-16": ("SigLIP-256", "SigLIP-384", "SigLIP2-256", "SigLIP2-384", "SigLIP2-512"), "B-32": ("SigLIP2-256",),
                    "SO400M-14": ("SigLIP", "SigLIP-378", "SigLIP-384", "SigLIP2", "SigLIP2-378"), "gopt-16": ("SigLIP2-256", "SigLIP2-384"),
                    "SO400M-16": ("SigLIP-i18n-256", "SigLIP2-256", "SigLIP2-384", "SigLIP2-512")}[letter]:
        name = "ViT-%s-%s" % (letter, pixels_)
        refused("--arch " + name, bare, "patch_embed.proj.weight", "expected shape [%d, 3, %d, %d]" % (width, patch, patch), args=("--arch", name))
refused("--arch of another family", bare, "visual.trunk", "ViT-B-32", args=("--arch", "ViT-B-32"))
refused("--arch of CLIPA", bare, "--arch ViT-L-14-CLIPA", "visual.trunk", args=("--arch", "ViT-L-14-CLIPA"))
refused("an unknown --arch", bare, "SigLIP2", args=("--arch", "ViT-B-16-SigLIP3"))


def hollow(path, shapes):
    """A safetensors file of these shapes in f16 whose numbers are a hole in the file, which reads as zeros."""
    head, at = {}, 0
    for name, shape in shapes.items():
        size = 2 * int(np.prod(shape, dtype=int))
        head[name] = {"dtype": "F16", "shape": list(shape), "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(head).encode()
    with open(path, "wb") as f:
        f.write(len(text).to_bytes(8, "little") + text)
        f.truncate(8 + len(text) + at)


# All of ViT-B-16-SigLIP, but for its very last number: every other shape is right.
W, M = 768, 3072
shapes = {"visual.trunk." + k: v for k, v in (("pos_embed", (1, 196, W)), ("patch_embed.proj.weight", (W, 3, 16, 16)), ("patch_embed.proj.bias", (W,)),
          ("norm.weight", (W,)), ("norm.bias", (W,)), ("attn_pool.latent", (1, 1, W)), ("attn_pool.norm.weight", (W,)), ("attn_pool.norm.bias", (W,)))}
layers = [("visual.trunk.attn_pool." + k, v) for k, v in (("q", (W, W)), ("kv", (2 * W, W)), ("proj", (W, W)), ("mlp.fc1", (M, W)), ("mlp.fc2", (W, M)))]
layers += [("visual.trunk.blocks.%d.%s" % (i, k), v) for i in range(12) for k, v in (
    ("norm1", (W,)), ("norm2", (W,)), ("attn.qkv", (3 * W, W)), ("attn.proj", (W, W)), ("mlp.fc1", (M, W)), ("mlp.fc2", (W, M)))]
for i in range(12):
    b = "text.transformer.resblocks.%d." % i
    layers += [(b + k, v) for k, v in (("ln_1", (W,)), ("ln_2", (W,)), ("attn.out_proj", (W, W)), ("mlp.c_fc", (M, W)), ("mlp.c_proj", (W, M)))]
    shapes.update({b + "attn.in_proj_weight": (3 * W, W), b + "attn.in_proj_bias": (3 * W,)})
layers.append(("text.ln_final", (W,)))
for name, shape in layers:
    shapes.update({name + ".weight": shape, name + ".bias": shape[:1]})
shapes.update({"text.token_embedding.weight": (32000, W), "text.positional_embedding": (64, W), "text.text_projection.weight": (W, W),
               "text.text_projection.bias": (W - 1,), "logit_scale": (), "logit_bias": ()})
hollow(bare + "/open_clip_model.safetensors", shapes)
refused("all of ViT-B-16-SigLIP but its last tensor", bare, "text_projection.bias", "expected shape [768], found [767]", args=("--arch", "ViT-B-16-SigLIP"))

# ---- What is no such model, each by its word.
short = dict(siglip)
del short["visual.trunk.attn_pool.q.bias"]
half = dict(siglip, **{"visual.trunk.attn_pool.kv.weight": siglip["visual.trunk.attn_pool.kv.weight"][:WIDTH].copy()})
own = {"image_size": SIZE, "layers": 1, "width": WIDTH, "patch_size": PATCH}
for config, arrays, words in (
        (cfg(), short, ("'visual.trunk.attn_pool.q.bias' [24] is missing",)), (cfg(), half, ("attn_pool.kv.weight", "expected shape [48, 24], found [24, 24]")),
        (cfg(), tensors(pool="avg"), ("attn_pool.latent' [1, 1, 24] is missing",)), (cfg(pool="avg"), siglip, ("attn_pool", "does not belong")),
        (cfg(), dict(siglip, **{"visual.trunk.reg_token": np.zeros((1, 4, WIDTH), "f4")}), ("reg_token", "does not belong")),
        (cfg(), dict(siglip, **{"visual.trunk.blocks.2.norm1.bias": np.zeros(WIDTH, "f4")}), ("blocks.2.norm1.bias", "does not belong")),
        (cfg(), dict(siglip, **{"visual.trunk.pos_embed": siglip["visual.trunk.pos_embed"][:, :4].copy()}), ("pos_embed", "expected shape [1, 9, 24], found [1, 4, 24]")),
        (cfg(), dict(siglip, **{"visual.trunk.pos_embed": siglip["visual.trunk.pos_embed"][0].copy()}), ("pos_embed", "found [9, 24]")),
        (cfg("vit_base_patch16_clip_224"), siglip, ("cls_token' [1, 1, 24] is missing",)),
        (cfg(image_size=SIZE + PATCH), siglip, ("img_size", "16")), (cfg(kwargs={"img_size": None}, image_size=SIZE + PATCH), siglip, ("pos_embed", "[1, 16, 24]")),
        (cfg("vit_base_patch14_dinov2"), siglip, ("timm_model_name", "dinov2")), (cfg("vit_base_patch14_reg4_dinov2"), siglip, ("timm_model_name", "register tokens")),
        (cfg("eva02_large_patch14_clip_224"), siglip, ("need rotary positions and gated MLPs",)), (cfg("vit_pe_core_base_patch16_224"), siglip, ("need rotary positions;",)),
        (cfg("vit_base_mci_224"), siglip, ("need convolutions in front",)), (cfg("fastvit_mci2"), siglip, ("convolutions",)), (cfg("vitamin_large_224"), siglip, ("need convolutions;",)),
        (cfg("vit_base_patch16_plus_240"), siglip, ("timm_model_name",)), (cfg("convnext_base"), siglip, ("timm_model_name", "convnext_base")),
        (cfg("vit_base_patch16_siglip"), siglip, ("timm_model_name",)), (cfg("vit_base_patch0_224"), siglip, ("timm_model_name",)), (cfg(""), siglip, ("timm_model_name",)),
        (cfg(7), siglip, ("timm_model_name",)), (cfg(pool="abs_attn"), siglip, ("timm_pool",)), (cfg(pool="token"), siglip, ("timm_pool", "class token")),
        (cfg(timm_proj="mlp"), siglip, ("timm_proj",)), (cfg(timm_proj=None), siglip, ("timm_proj",)), (cfg(timm_proj="none"), siglip, ("timm_proj", "24 numbers", "20")),
        (cfg(timm_proj_bias=True), siglip, ("visual.head.proj.bias' [20] is missing",)), (cfg(kwargs={"num_heads": 5}), siglip, ("num_heads", "5 heads")),
        (cfg(kwargs={"num_heads": 0}), siglip, ("num_heads",)), (cfg(kwargs={"embed_dim": 25}), siglip, ("num_heads",)), (cfg(kwargs={"depth": 3}), siglip, ("blocks.2", "missing")),
        (cfg(kwargs={"depth": 100000}), siglip, ("depth",)), (cfg(kwargs={"patch_size": 13}), siglip, ("patch_size",)), (cfg(kwargs={"act_layer": "silu"}), siglip, ("act_layer",)),
        (cfg(kwargs={"mlp_ratio": 1e-9}), siglip, ("mlp_ratio",)), (cfg(kwargs={"qk_norm": True}), siglip, ("qk_norm",)), (cfg(timm_model_kwargs=[1]), siglip, ("timm_model_kwargs",)),
        (cfg(kwargs={"init_values": 1e-5}), siglip, ("'visual.trunk.blocks.0.ls1.gamma' [24] is missing",)), (cfg(), tensors(scale=True), ("ls1.gamma' does not belong",)),
        (cfg(width=24), siglip, ("vision_cfg.width",)), (dict(model_cfg=dict(cfg()["model_cfg"], vision_cfg=own)), siglip, ("timm_model_name", "visual.trunk")),
        (cfg(), {k.replace("trunk.patch_embed.proj", "conv1"): v for k, v in siglip.items() if "patch" in k or "visual." not in k}, ("timm_model_name", "visual.conv1")),
        (None, siglip, ("open_clip_config.json", "--arch"))):
    refused(" ".join(words), folder(config, arrays), *words, args=("--no-goldens",))
shutil.rmtree(tmp)
tap.done()
