"""One exact CutMix gradient-descent step in PyTorch: manual gradient and autograd, eager and compiled."""
from types import FunctionType, MethodType

import torch
from torch.nn.functional import logsigmoid

from common import PairSums


def compiled(method, mode):
    """A compiled method with code of its own: programs that share it would search each other's compiled versions
    at every call, and run into the limit on how many there may be."""
    function = method.__func__
    own = FunctionType(function.__code__.replace(), function.__globals__, function.__name__, function.__defaults__)
    return torch.compile(MethodType(own, method.__self__), mode=mode, fullgraph=True, dynamic=False)


class TorchStep:
    """data_product: "mm" leaves the products with the data to the BLAS; "sum" writes them as multiply-and-sum,
    which the compiler turns into its own loops, both filters in one pass over the data."""

    def __init__(self, world, autograd=False, factored=False, data_product="mm", mode=None):
        self.world, self.settings = world, world.settings
        self.autograd, self.factored, self.data_product = autograd, factored, data_product
        sums = PairSums(world.labels, world.patches.shape[1])
        n, patches, dimension = world.patches.shape
        self.shape = (n, patches)
        self.data = torch.from_numpy(world.patches.reshape(n * patches, dimension)).contiguous()
        self.inside, self.outside, self.weight, self.target = (
            torch.from_numpy(v) for v in (sums.inside, sums.outside, sums.weight, sums.target))
        self.whole_weight = sums.whole_weight
        self.buffer = None if mode or autograd else torch.empty(len(sums.weight), n, n, dtype=torch.float64)
        self.gradient_tensor = torch.zeros(2, dimension, dtype=torch.float64)
        self.reset()
        body = self._autograd_gradient if autograd else self._manual_gradient
        self.compute = compiled(body, mode) if mode and not autograd else body
        if mode and autograd:  # the loss is compiled, its backward with it
            self.loss = compiled(self.loss, mode)

    def reset(self):
        self.weights = torch.from_numpy(self.world.filters.copy()).requires_grad_(self.autograd)

    @property
    def filters(self):
        return self.weights.detach().numpy()

    @property
    def gradient(self):
        return self.gradient_tensor.numpy()

    def activations(self, filters):
        s = self.settings
        if self.data_product == "mm":
            z = filters @ self.data.T  # [2, nP]
        else:
            z = torch.stack([(self.data * filters[0]).sum(1), (self.data * filters[1]).sum(1)])
        ramp = torch.clamp(z / s.r, 0.0, 1.0)
        phi = s.beta * z + (1 - s.beta) * ramp * (z - (s.r / 2) * ramp)
        return (phi[0] - phi[1]).view(self.shape), ramp

    def loss(self, filters):
        """sum_ij softplus(A_i + B_j) - sum a * target, up to the weights: softplus is the part with pairs."""
        a, _ = self.activations(filters)
        inner, outer = self.inside @ a.T, self.outside @ a.T  # [H, n]
        if self.factored:
            pairs = torch.log1p(torch.exp(inner)[:, :, None] * torch.exp(outer)[:, None, :])
        else:
            pairs = -logsigmoid(-(inner[:, :, None] + outer[:, None, :]))
        alone = -logsigmoid(-a.sum(1)).sum()
        return (self.weight @ pairs.sum((1, 2)) + self.whole_weight * alone - (a * self.target).sum())

    def _autograd_gradient(self, filters, out):
        out.copy_(torch.autograd.grad(self.loss(filters), filters)[0])
        with torch.no_grad():
            filters.sub_(out, alpha=self.settings.eta)

    def pair_sums(self, inner, outer):
        """Row and column sums of sigmoid(A_i + B_j) for every kept subset: [H, n] each."""
        if self.factored:  # p_i / (p_i + q_j), p = exp(A), q = exp(-B)
            p, q = torch.exp(inner), torch.exp(-outer)
            if self.buffer is None:
                sigma = p[:, :, None] / (p[:, :, None] + q[:, None, :])
                return sigma.sum(2), sigma.sum(1)
            inverse = torch.add(p[:, :, None], q[:, None, :], out=self.buffer).reciprocal_()
            return p * inverse.sum(2), torch.bmm(p[:, None, :], inverse)[:, 0]
        if self.buffer is None:
            sigma = torch.sigmoid(inner[:, :, None] + outer[:, None, :])
        else:
            sigma = torch.add(inner[:, :, None], outer[:, None, :], out=self.buffer).sigmoid_()
        return sigma.sum(2), sigma.sum(1)

    def _manual_gradient(self, filters, out):
        s = self.settings
        a, ramp = self.activations(filters)
        rows, columns = self.pair_sums(self.inside @ a.T, self.outside @ a.T)
        gradient = (rows * self.weight[:, None]).T @ self.inside + (columns * self.weight[:, None]).T @ self.outside
        gradient = gradient + self.whole_weight * torch.sigmoid(a.sum(1))[:, None] - self.target
        chain = gradient.reshape(-1) * (s.beta + (1 - s.beta) * ramp)  # [2, nP]
        if self.data_product == "mm":
            out.copy_(chain @ self.data)
        else:
            out.copy_(torch.stack([(self.data * chain[0][:, None]).sum(0), (self.data * chain[1][:, None]).sum(0)]))
        out[1].neg_()
        filters.sub_(out, alpha=s.eta)

    def step(self):
        if self.autograd:
            self.compute(self.weights, self.gradient_tensor)
        else:
            with torch.no_grad():
                self.compute(self.weights, self.gradient_tensor)


def variants(world, threads, compile_too=True):
    """(name, maker) of every PyTorch program."""
    torch.set_num_threads(threads)

    def maker(**options):
        return lambda: TorchStep(world, **options)

    for autograd, label in ((False, "torch manual"), (True, "torch autograd")):
        for mode in (None, "default", "max-autotune") if compile_too else (None,):
            for factored in (False, True):
                kind = "eager" if mode is None else f"compile {mode}"
                exponent = ", factored exp" if factored else ""
                yield f"{label}, {kind}{exponent}", maker(autograd=autograd, factored=factored, mode=mode)
                if mode == "default" and not autograd:
                    yield (f"{label}, {kind}{exponent}, own sums",
                           maker(autograd=autograd, factored=factored, mode=mode, data_product="sum"))
