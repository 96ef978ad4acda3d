// The number of a study's distinct epochs, computed by hand.
#include "experiments/estimate.h"

#include <gtest/gtest.h>

namespace hardy {
namespace {

Study study_of(std::vector<Variant> variants) {
  Study study;
  study.base = make_preset("published");
  study.variants = std::move(variants);
  return study;
}

TEST(Estimate, OneProtocolIsTheSumOfItsStages) {
  const auto work = distinct_work(study_of({{"base", {}}}), 1, 7);
  EXPECT_EQ(work.preparations, 1);
  EXPECT_EQ(work.preparation_epochs, 30 + 2 * (100 + 100));
  EXPECT_EQ(work.pretraining_epochs, 25);
  EXPECT_EQ(work.fits, 8);                       // seven specialists and the unified model
  EXPECT_EQ(work.fit_epochs, 8 * 25 * (5 + 1));  // slots: K + 1 passes
}

TEST(Estimate, WhatVariantsShareCountsOnce) {
  const Study study = study_of({{"base", {}},
                                {"alpha", {"hardness.alpha1=0.2"}},
                                {"same", {"hardness.alpha1=0.2"}},
                                {"plain", {"retrieval.database=plain"}},
                                {"none", {"retrieval.supports=none"}}});
  const auto base = distinct_work(study, 1, 7);
  const auto all = distinct_work(study, 5, 7);
  EXPECT_EQ(all.preparation_epochs, base.preparation_epochs);
  EXPECT_EQ(all.pretrainings, 1);
  EXPECT_EQ(all.fits, 4 * base.fits);  // "same" is "alpha"
  EXPECT_EQ(all.fit_epochs, 3 * base.fit_epochs + 8 * 25);
}

TEST(Estimate, AnotherEstimatorCountsAgain) {
  const Study study =
      study_of({{"base", {}}, {"mi", {"hardness.mi_weight=0.1", "protocol.tracks=unified"}}});
  const auto all = distinct_work(study, 2, 7);
  EXPECT_EQ(all.preparations, 2);
  EXPECT_EQ(all.preparation_epochs, 30 + 2 * 2 * 200);
  EXPECT_EQ(all.fits, 9);
}

TEST(Estimate, ALineThroughTwoMeasurements) {
  const auto cost = line_through(1, 5, 3, 9);
  EXPECT_DOUBLE_EQ(cost.epoch_s, 2);
  EXPECT_DOUBLE_EQ(cost.once_s, 3);
  EXPECT_DOUBLE_EQ(line_through(1, 5, 3, 4).epoch_s, 0);  // noise must not make a time negative
  StageWork work;
  work.preparations = 2;
  work.preparation_epochs = 10;
  work.fits = 1;
  work.fit_epochs = 4;
  const EpochCosts costs = {.preparation = {3, 2}, .pretraining = {100, 100}, .fit = {1, 0.5}};
  EXPECT_DOUBLE_EQ(seconds_of(work, costs), 2 * 3 + 10 * 2 + 1 + 4 * 0.5);
}

}  // namespace
}  // namespace hardy
