// A request body that is charged to the budget as it arrives, not by its announced length: an
// announcement without data costs nothing.
#pragma once

#include <cstdint>
#include <string>

#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

#include "serve/work_budget.h"

namespace hardy {

/// A Body for Beast's parser.
struct LeasedBody {
  struct value_type {
    std::string text;
    WorkLease lease;
  };

  class reader {
   public:
    template <bool is_request, typename Fields>
    reader(boost::beast::http::header<is_request, Fields>& /*header*/, value_type& body)
        : body_(body) {}

    void init(const boost::optional<std::uint64_t>& length, boost::system::error_code& error) {
      announced_ = length ? static_cast<std::size_t>(*length) : 0;
      error = {};
    }

    template <typename Buffers>
    std::size_t put(const Buffers& buffers, boost::system::error_code& error) {
      const std::size_t size = body_.text.size() + boost::beast::buffer_bytes(buffers);
      error = {};
      if (!body_.lease.hold(static_cast<std::int64_t>(size))) {
        error = make_error_code(boost::system::errc::not_enough_memory);
        return 0;
      }
      // Reserved memory costs nothing until it is written.
      if (size > body_.text.capacity() && announced_ > size) body_.text.reserve(announced_);
      for (const auto& part : boost::beast::buffers_range_ref(buffers)) {
        body_.text.append(static_cast<const char*>(part.data()), part.size());
      }
      return boost::beast::buffer_bytes(buffers);
    }

    void finish(boost::system::error_code& error) { error = {}; }

   private:
    value_type& body_;
    std::size_t announced_ = 0;
  };
};

}  // namespace hardy
