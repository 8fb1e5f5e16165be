"""A weight file of clipc as ONNX graphs, one for each tower: float32, or int8 as ONNX Runtime's dynamic quantisation
writes it (DynamicQuantizeLinear and MatMulInteger for the blocks' matrices, a scale for each output).  For vision
transformers with a class token and quick GELU, which `clipc convert --synthetic` makes."""
import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper, save

import read_clipc


class Graph:
    def __init__(self, weights, int8):
        self.weights, self.int8, self.nodes, self.constants, self.names = weights, int8, [], [], 0

    def constant(self, array):
        self.names += 1
        self.constants.append(numpy_helper.from_array(np.asarray(array, order="C"), "c%d" % self.names))
        return "c%d" % self.names

    def add(self, kind, *inputs, outputs=1, **attributes):
        inputs = [i if isinstance(i, str) else self.constant(i) for i in inputs]
        made = ["%s_%d_%d" % (kind, len(self.nodes), i) for i in range(outputs)]
        self.nodes.append(helper.make_node(kind, inputs, made, **attributes))
        return made[0] if outputs == 1 else made

    def linear(self, x, name, int8=None):
        w, bias = self.weights[name + ".weight"].T.astype(np.float32), self.weights.get(name + ".bias")
        if self.int8 if int8 is None else int8:
            scale = (np.abs(w).max(axis=0) / 127).astype(np.float32)
            q, x_scale, zero = self.add("DynamicQuantizeLinear", x, outputs=3)
            y = self.add("MatMulInteger", q, np.rint(w / scale).astype(np.int8), zero, np.int8(0))
            y = self.add("Cast", y, to=TensorProto.FLOAT)
            y = self.add("Mul", y, self.add("Mul", x_scale, scale))
        else:
            y = self.add("MatMul", x, w)
        return y if bias is None else self.add("Add", y, bias)

    def norm(self, x, name, eps):
        return self.add("LayerNormalization", x, self.weights[name + ".weight"], self.weights[name + ".bias"],
                        axis=-1, epsilon=float(eps))

    def block(self, x, tower, at, mask):
        name, heads, dim = "%s.%02d." % (tower["name"], at), tower["heads"], tower["width"] // tower["heads"]
        qkv = self.linear(self.norm(x, name + "ln_1", tower["ln_eps"]), name + "attn_in")
        parts = self.add("Split", qkv, np.full(3, tower["width"], np.int64), outputs=3, axis=-1)
        q, k, v = (self.add("Transpose", self.add("Reshape", p, np.array([0, 0, heads, dim], np.int64)), perm=perm)
                   for p, perm in zip(parts, ([0, 2, 1, 3], [0, 2, 3, 1], [0, 2, 1, 3])))
        scores = self.add("Mul", self.add("MatMul", q, k), np.float32(dim ** -0.5))
        scores = scores if mask is None else self.add("Add", scores, mask)
        y = self.add("Transpose", self.add("MatMul", self.add("Softmax", scores, axis=-1), v), perm=[0, 2, 1, 3])
        x = self.add("Add", x, self.linear(self.add("Reshape", y, np.array([0, 0, -1], np.int64)), name + "attn_out"))
        h = self.linear(self.norm(x, name + "ln_2", tower["ln_eps"]), name + "c_fc")
        h = self.add("Mul", h, self.add("Sigmoid", self.add("Mul", h, np.float32(1.702))))
        return self.add("Add", x, self.linear(h, name + "c_proj"))

    def tower(self, x, tower, mask=None):
        for at in range(tower["layers"]):
            x = self.block(x, tower, at, mask)
        return x

    def finish(self, path, x, row, norm, eps, name, dim, source):
        """Row `row` of each sequence, normalised and projected, is the output."""
        x = self.add("Gather", x, np.int64(row), axis=1)
        y = self.linear(self.norm(x, norm, eps), name, int8=False)
        output = helper.make_tensor_value_info(y, TensorProto.FLOAT, ["n", dim])
        model = helper.make_model(helper.make_graph(self.nodes, "clip", [source], [output], self.constants),
                                  opset_imports=[helper.make_opsetid("", 17)])
        model.ir_version = 8
        checker.check_model(model)
        save(model, path)


def export(file, folder, length):
    """image.onnx, image-int8.onnx, text.onnx, text-int8.onnx (texts of `length` ids, the last the end token) from a
    float32 weight file: the header."""
    header, w = read_clipc.read(file)
    v, t, size = dict(header["vision"], name="vision"), dict(header["text"], name="text"), header["image_size"]
    for int8 in False, True:
        g = Graph(w, int8)
        patch = w["vision.patch_embed.weight"].reshape(v["width"], 3, header["patch_size"], header["patch_size"])
        x = g.add("Conv", "pixels", patch, strides=[header["patch_size"]] * 2)
        x = g.add("Transpose", g.add("Reshape", x, np.array([0, v["width"], -1], np.int64)), perm=[0, 2, 1])
        shape = g.add("Concat", g.add("Shape", x, start=0, end=1), np.array([1, v["width"]], np.int64), axis=0)
        token = g.add("Expand", w["vision.class_embedding"].reshape(1, 1, -1), shape)
        x = g.add("Add", g.add("Concat", token, x, axis=1), w["vision.positional_embedding"])
        x = g.tower(g.norm(x, "vision.ln_pre", v["ln_eps"]), v)
        source = helper.make_tensor_value_info("pixels", TensorProto.FLOAT, ["n", 3, size, size])
        g.finish(folder + "/image%s.onnx" % ("-int8" if int8 else ""), x, 0, "vision.ln_post", v["ln_eps"],
                 "vision.projection", header["embed_dim"], source)

        g = Graph(w, int8)
        x = g.add("Add", g.add("Gather", w["text.token_embedding"].astype(np.float32), "ids"),
                  w["text.positional_embedding"][:length])
        mask = np.triu(np.full((length, length), -1e9, np.float32), 1)
        source = helper.make_tensor_value_info("ids", TensorProto.INT64, ["n", length])
        g.finish(folder + "/text%s.onnx" % ("-int8" if int8 else ""), g.tower(x, t, mask), length - 1, "text.ln_post",
                 t["ln_eps"], "text.projection", header["embed_dim"], source)
    return header
