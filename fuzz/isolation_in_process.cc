// Takes the place of base/isolated_process.cc in fuzzers: work and consume run one after the other
// in this process, with a file in memory for the pipe.
#include <sys/mman.h>
#include <unistd.h>

#include "base/descriptor.h"
#include "base/isolation.h"
#include "hardy/errors.h"

namespace hardy {

void run_isolated(const std::string& name, const IsolationLimits& /*limits*/,
                  const std::function<void(Outlet&)>& work,
                  const std::function<void(Inlet&)>& consume) {
  const Descriptor stream(::memfd_create("isolated", MFD_CLOEXEC));
  if (stream.number() < 0) throw IoError(name + ": no file in memory");
  Outlet outlet(stream.number());
  work(outlet);
  if (::lseek(stream.number(), 0, SEEK_SET) != 0) throw IoError(name + ": no way back");
  Inlet inlet(stream.number());
  consume(inlet);
}

}  // namespace hardy
