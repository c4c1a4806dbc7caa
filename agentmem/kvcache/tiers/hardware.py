"""Chips, models and engine versions as rows of data, and what an engine of them does in a second by the roofline.

The figures are the makers' own. `claim` marks what nobody here has measured: a roofline of claims is a claim. Prices
are assumptions to be replaced by one's own.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from types import MappingProxyType

from agentmem.errors import ConfigError

GB = 10**9
COMPUTE_USED = 0.45
"""The share of a chip's peak that a prefill reaches."""
BANDWIDTH_USED = 0.6
"""The share of a chip's memory bandwidth that decoding reaches."""
MEMORY_USED = 0.9
"""The share of a chip's memory that an engine takes for weights and KV (vLLM's default for gpu_memory_utilization)."""


@dataclass(frozen=True, slots=True)
class Chip:
    """``memory_gb`` and ``bandwidth_gb_s`` of the chip's own memory; ``tflops`` dense, at 8 bits; ``usd_hour`` and
    ``usd_each`` are assumptions.
    """

    name: str
    memory_gb: float
    bandwidth_gb_s: float
    tflops: float
    watts: float
    usd_hour: float
    usd_each: float
    source: str
    dated: str
    claim: bool = True


@dataclass(frozen=True, slots=True)
class ServedModel:
    """Parameters in billions (all, and those that a token uses), layers, the width of the queries (heads x dimension),
    bytes of KV a token.
    """

    name: str
    params_b: float
    active_b: float
    layers: int
    query_width: int
    kv_bytes: int
    source: str


@dataclass(frozen=True, slots=True)
class EngineVersion:
    """What a version of an engine's software is said to make of the same chip, as a factor on work in a second.

    ``training`` is what is said of training, which no engine that serves has anything of: it is told, never used.
    """

    name: str
    factor: float
    source: str
    dated: str
    training: float = 1.0
    claim: bool = True


CHIPS: Mapping[str, Chip] = MappingProxyType(
    {
        one.name: one
        for one in (
            Chip("H100", 80, 3_350, 1_979, 700, 2.5, 28_000, "NVIDIA H100 SXM data sheet", "2023-03"),
            Chip("H200", 141, 4_800, 1_979, 700, 3.2, 32_000, "NVIDIA H200 SXM data sheet", "2023-11"),
            Chip("B200", 180, 8_000, 4_500, 1_000, 5.0, 40_000, "NVIDIA DGX B200 data sheet", "2024-03"),
            Chip("GB200", 186, 8_000, 5_000, 1_200, 6.0, 55_000, "NVIDIA GB200 NVL72 data sheet", "2024-03"),
            Chip("Rubin", 288, 22_000, 17_500, 1_800, 12.0, 90_000, "NVIDIA Vera Rubin NVL72, announced", "2026-01"),
            Chip("LPU", 0.23, 80_000, 750, 300, 1.5, 20_000, "Groq LPU v1, INT8", "2024-02"),
            Chip("CPU", 128, 300, 4, 350, 0.8, 8_000, "a server of 32 cores with 8 channels of DDR5", "2025-01"),
        )
    }
)
"""By name. `tflops` of Rubin: half of what is said of NVFP4 in training, 35 PFLOPS."""

MODELS: Mapping[str, ServedModel] = MappingProxyType(
    {
        one.name: one
        for one in (
            ServedModel("llama-3.1-8b", 8.0, 8.0, 32, 4_096, 131_072, "meta-llama/Llama-3.1-8B config.json"),
            ServedModel("llama-3.3-70b", 70.6, 70.6, 80, 8_192, 327_680, "meta-llama/Llama-3.3-70B config.json"),
            ServedModel("qwen3-32b", 32.8, 32.8, 64, 8_192, 262_144, "Qwen/Qwen3-32B config.json"),
            ServedModel("deepseek-r1", 671, 37, 61, 20_480, 70_272, "deepseek-ai/DeepSeek-R1 config.json, MLA"),
            ServedModel("gpt-oss-120b", 117, 5.1, 36, 4_096, 36_864, "openai/gpt-oss-120b config.json"),
        )
    }
)
"""By name. KV at 16 bits; half of gpt-oss's layers look at 128 tokens only and are left out of its KV."""

VERSIONS: Mapping[str, EngineVersion] = MappingProxyType(
    {
        one.name: one
        for one in (
            EngineVersion("as measured", 1.0, "the roofline with the shares above", "2026-11"),
            EngineVersion(
                "TensorRT-LLM, three months on",
                2.8,
                "developer.nvidia.com/blog: DeepSeek-R1 on GB200 NVL72, up to 2.8 x a GPU in three months",
                "2026-01",
                1.4,
            ),
        )
    }
)


@dataclass(frozen=True)
class EngineSpec:
    """``chips`` of one kind that serve one model together, with weights of ``weight_bytes`` a parameter.

    >>> EngineSpec(CHIPS["H100"], MODELS["llama-3.1-8b"]).kv_tokens
    488281
    """

    chip: Chip
    model: ServedModel
    chips: int = 1
    factor: float = 1.0
    weight_bytes: float = 1.0

    @classmethod
    def named(cls, chip: str, model: str, chips: int | None = None) -> "EngineSpec":
        """Of the tables' rows, by name. ``chips`` None: the fewest, in powers of two, that hold weights and as much KV.

        Raises:
            ConfigError: a name is not in its table, or the model does not fit.
        """
        for name, table in ((chip, CHIPS), (model, MODELS)):
            if name not in table:
                raise ConfigError(f"there is no {name!r}; there are {', '.join(table)}")
        made = cls(CHIPS[chip], MODELS[model], chips or 1)
        while chips is None and made.kv_tokens * made.model.kv_bytes < made.weights:
            made = replace(made, chips=2 * made.chips)
        if made.kv_tokens <= 0:
            raise ConfigError(f"{made.chips} {chip} cannot hold {model}: take more chips")
        return made

    @property
    def weights(self) -> float:
        """Bytes of the weights."""
        return self.model.params_b * 1e9 * self.weight_bytes

    @cached_property
    def kv_tokens(self) -> int:
        """Tokens whose KV fits beside the weights."""
        room = self.chips * self.chip.memory_gb * GB * MEMORY_USED - self.weights
        return max(0, int(room / self.model.kv_bytes))

    def prefill_seconds(self, held: int, new: int) -> float:
        """Computing ``new`` tokens behind ``held`` ones: the weights, and attention to everything before."""
        attention = 4 * self.model.layers * self.model.query_width * (held + new / 2)
        flops = new * (2 * self.model.active_b * 1e9 + attention)
        return flops / (self.chips * self.chip.tflops * 1e12 * COMPUTE_USED * self.factor)

    def decode_seconds(self, context: int, output: int, batch: int) -> float:
        """The engine's time for ``output`` tokens at this context, where it steps ``batch`` requests at once."""
        moved = self.weights / batch + context * self.model.kv_bytes
        return output * moved / (self.chips * self.chip.bandwidth_gb_s * GB * BANDWIDTH_USED * self.factor)

    def batch(self, context: float) -> int:
        """How many requests of this context are stepped at once: as many as fit, at most 256."""
        return max(1, min(256, int(self.kv_tokens / max(1.0, context))))

    @property
    def usd_hour(self) -> float:
        """What the chips cost an hour."""
        return self.chips * self.chip.usd_hour
