#include "nn/numerics.h"

#include <ATen/Version.h>
#include <torch/version.h>

#if HARDY_HAS_CUDA
#include <ATen/cuda/CUDAContext.h>
#endif

#if HARDY_HAS_DNNL
#include <dnnl.h>
#endif

#include <string_view>

#include <fmt/format.h>

#if defined(__GLIBC__)
#include <gnu/libc-version.h>
#endif

#if HARDY_HAS_OPENBLAS
extern "C" char* openblas_get_corename(void);
extern "C" char* openblas_get_config(void);
#endif

namespace hardy {
namespace {

std::string onednn_class() {
#if HARDY_HAS_DNNL
  const dnnl_version_t* version = dnnl_version();
  return fmt::format("oneDNN {}.{}.{} isa {:#x}", version->major, version->minor, version->patch,
                     static_cast<unsigned>(dnnl_get_effective_cpu_isa()));
#else
  return "products of libtorch";
#endif
}

/// libtorch reports the selected instruction set in its description only.
std::string torch_class() {
  constexpr std::string_view kMark = "CPU capability usage: ";
  const std::string config = at::show_config();
  const auto mark = config.find(kMark);
  std::string capability = "unknown";
  if (mark != std::string::npos) {
    const auto begin = mark + kMark.size();
    capability = config.substr(begin, config.find('\n', begin) - begin);
  }
  return fmt::format("libtorch {} {}", TORCH_VERSION, capability);
}

/// "OpenBLAS 0.3.21 Haswell": the first two words of its configuration and the selected kernels.
std::string openblas_class() {
#if HARDY_HAS_OPENBLAS
  constexpr auto kNowhere = std::string_view::npos;
  const std::string_view config = openblas_get_config();
  const auto name_end = config.find(' ');
  const auto end = name_end == kNowhere ? name_end : config.find(' ', name_end + 1);
  return fmt::format("{} {}", config.substr(0, end), openblas_get_corename());
#else
  return "no OpenBLAS";
#endif
}

/// glibc has two versions of exp, log and others, with and without fused operations.
std::string libm_class() {
  std::string name = "libm";
#if defined(__GLIBC__)
  name = fmt::format("glibc {}", gnu_get_libc_version());
#endif
#if defined(__x86_64__)
  const bool has_fused = __builtin_cpu_supports("fma") != 0 && __builtin_cpu_supports("avx2") != 0;
  name += has_fused ? " fma" : " plain";
#endif
  return name;
}

}  // namespace

std::string numerics_class() {
  static const std::string text =
      fmt::format("{}, {}, {}, {}", onednn_class(), torch_class(), openblas_class(), libm_class());
  return text;
}

std::string device_class(const std::string& device) {
#if HARDY_HAS_CUDA
  if (device == "cuda" && at::hasCUDA()) {
    const auto* gpu = at::cuda::getCurrentDeviceProperties();
    return fmt::format("cuda {} {}.{}", gpu->name, gpu->major, gpu->minor);
  }
#endif
  return device;
}

}  // namespace hardy
