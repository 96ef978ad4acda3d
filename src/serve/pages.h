// Static texts of the service, embedded at build time.
#pragma once

#include <string>

namespace hardy {

/// The playground (src/serve/playground.html).
std::string playground_page();

/// The page's content security policy: only its own script, no frames.
std::string page_security_policy();

/// The OpenAPI 3 description (src/serve/openapi.json) with the program's version.
std::string openapi_text();

}  // namespace hardy
