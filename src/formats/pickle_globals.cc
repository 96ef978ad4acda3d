// The names that a pickle may contain, and advice on others.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "formats/pickle_machine.h"

namespace hardy {
namespace {

constexpr std::array kGlobals = std::to_array<PickleGlobal>({
    {"builtins.set", PickleCallable::kSet},
    {"builtins.frozenset", PickleCallable::kSet},
    {"builtins.list", PickleCallable::kList},
    {"builtins.tuple", PickleCallable::kTuple},
    {"builtins.dict", PickleCallable::kDict},
    {"builtins.bytes", PickleCallable::kBytes},
    {"builtins.bytearray", PickleCallable::kBytes},
    {"builtins.int", PickleCallable::kNothing},
    {"builtins.float", PickleCallable::kNothing},
    {"builtins.str", PickleCallable::kNothing},
    {"builtins.bool", PickleCallable::kNothing},
    {"collections.OrderedDict", PickleCallable::kDict},
    {"collections.defaultdict", PickleCallable::kDefaultDict},
    {"_codecs.encode", PickleCallable::kCodecsEncode},
    {"numpy.dtype", PickleCallable::kNumpyDtype},
    {"numpy.ndarray", PickleCallable::kNothing},
    {"numpy.core.multiarray._reconstruct", PickleCallable::kNumpyReconstruct},
    {"numpy.core.multiarray.scalar", PickleCallable::kNumpyScalar},
    {"numpy.core.numeric._frombuffer", PickleCallable::kNumpyFromBuffer},
    {"torch._utils._rebuild_tensor_v2", PickleCallable::kTorchTensor},
    {"torch._utils._rebuild_parameter", PickleCallable::kTorchParameter},
    {"torch.Size", PickleCallable::kTuple},
    {"torch.FloatStorage", PickleCallable::kNothing},
    {"torch.DoubleStorage", PickleCallable::kNothing},
    {"torch.HalfStorage", PickleCallable::kNothing},
    {"torch.BFloat16Storage", PickleCallable::kNothing},
    {"torch.LongStorage", PickleCallable::kNothing},
    {"torch.IntStorage", PickleCallable::kNothing},
    {"torch.ShortStorage", PickleCallable::kNothing},
    {"torch.CharStorage", PickleCallable::kNothing},
    {"torch.ByteStorage", PickleCallable::kNothing},
    {"torch.BoolStorage", PickleCallable::kNothing},
});

/// The name in Python 3 and numpy 1 for a name of Python 2 or numpy 2.
std::string canonical_name(std::string_view module, std::string_view name) {
  if (module == "__builtin__") module = "builtins";
  if (module == "numpy._core.multiarray") module = "numpy.core.multiarray";
  if (module == "numpy._core.numeric") module = "numpy.core.numeric";
  return fmt::format("{}.{}", module, name);
}

}  // namespace

std::span<const PickleGlobal> pickle_globals() { return kGlobals; }

std::optional<std::size_t> find_pickle_global(std::string_view module, std::string_view name) {
  const std::string wanted = canonical_name(module, name);
  const auto* const found = std::find_if(kGlobals.begin(), kGlobals.end(),
                                         [&](const auto& known) { return known.name == wanted; });
  if (found == kGlobals.end()) return std::nullopt;
  return static_cast<std::size_t>(found - kGlobals.begin());
}

const char* pickle_advice(std::string_view module) {
  if (module.starts_with("pandas")) {
    return "it is a pandas table, write it as CSV (table.to_csv(FILE, index=False))";
  }
  if (module.starts_with("torch")) {
    return "it holds torch objects, save them as numpy arrays (tensor.numpy())";
  }
  return "save the data as lists, dicts, texts, numbers and numpy arrays";
}

}  // namespace hardy
