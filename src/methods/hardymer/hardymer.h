// HARDY-MER as a method: its stages (stages.h) behind the interface of method.h. Variants override
// the seams.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "methods/hardymer/seams.h"
#include "methods/method.h"

namespace hardy {

class HardyMer : public Method {
 public:
  [[nodiscard]] std::unique_ptr<FoldMethod> on_fold(const FoldRequest& request) const override;

  [[nodiscard]] std::vector<float> predict(const FoldData& data, const Config& config,
                                           const TensorFile& model,
                                           const std::vector<std::int64_t>& dialogues,
                                           Pattern pattern) const override;

  [[nodiscard]] FeatureTable stored_input(const FoldData& data, const Config& config,
                                          const TensorFile& model) const override;

  void write_tables(const RunFolder& folder, const Config& config,
                    const std::vector<const FoldMethod*>& fits) const override;

 protected:
  /// The seams of one fold and seed.
  [[nodiscard]] virtual std::unique_ptr<const HardyMerSeams> seams(
      const FoldRequest& request) const;
};

}  // namespace hardy
