// Messages of expected failures.
#pragma once

#include <gtest/gtest.h>

#include <exception>
#include <string>

namespace hardy::test {

/// The message of the `Failure` that `action` throws; a test failure and "" for anything else.
template <typename Failure, typename Action>
std::string message_of(Action&& action) {
  try {
    action();
  } catch (const Failure& failure) {
    return failure.what();
  } catch (const std::exception& other) {
    ADD_FAILURE() << "threw another type: " << other.what();
    return {};
  }
  ADD_FAILURE() << "did not throw";
  return {};
}

}  // namespace hardy::test
