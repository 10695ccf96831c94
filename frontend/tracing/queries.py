"""What a traced value answers about itself, and what no traced value can answer."""

from __future__ import annotations

from typing import Any

import torch

from .net_tensor import ClassTensor, CountTensor, FeatureTensor, LostTensor, NetTensor, Traced
from .table import handles
from .tracer import Call

EVERY = (FeatureTensor, NetTensor, CountTensor, ClassTensor, LostTensor)

# Shape, dtype and the like are those of the empty tensor itself.
QUERIES = """
    shape size dim ndim ndimension numel nelement stride is_contiguous storage_offset dtype device
    layout itemsize nbytes element_size requires_grad grad grad_fn is_leaf is_cuda is_cpu is_xpu
    is_mps is_meta is_sparse is_sparse_csr is_quantized is_mkldnn is_nested is_vulkan is_mtia
    is_ipu is_maia is_xla is_floating_point is_complex is_signed is_inference is_conj is_neg
    is_same_size get_device retains_grad output_nr _version _backward_hooks
    result_type can_cast __hash__
"""

DATA_DEPENDENT = """
    __bool__ __int__ __float__ __index__ __complex__ __contains__ item tolist numpy __array__
    nonzero nonzero_static argwhere unique unique_consecutive masked_select equal allclose
    is_nonzero bincount histc
"""


@handles(QUERIES, *EVERY)
def _query(call: Call, *args: Any, **kwargs: Any) -> Any:
    with torch._C.DisableTorchFunctionSubclass():
        return call.func(*args, **kwargs)


@handles("__len__", *EVERY)
def _len(call: Call, x: Traced) -> int:
    if not x.ids.ndim:
        raise TypeError("len() of a 0-d tensor")
    return x.ids.shape[0]


@handles("Tensor.__format__", *EVERY)
def _format(call: Call, x: Traced, spec: str) -> str:
    return repr(x)


@handles("requires_grad_", *EVERY)
def _requires_grad(call: Call, x: Traced, requires_grad: bool = True) -> Traced:
    return x


@handles(DATA_DEPENDENT, *EVERY)
def _data_dependent(call: Call, *args: Any, **kwargs: Any) -> Any:
    call.refuse(
        "asks for their values: control flow or shape would depend on data",
        "allowed is the same path for every input; choose with torch.where(condition, a, b)",
    )


@handles("__setitem__ Tensor.put_ index_put index_put_ index_fill_ index_copy_", *EVERY)
def _setitem(call: Call, *args: Any, **kwargs: Any) -> Any:
    call.refuse(
        "assigns to a part of a tensor",
        "allowed are torch.where(mask, new, old), torch.cat and torch.stack",
    )
