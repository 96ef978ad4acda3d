// Texts that the service hands out as they are; embedded when the program is built.
#pragma once

#include <string>

namespace hardy {

/// The playground (hardy/serve/playground.html).
std::string playground_page();

/// The page's content security policy: its own script and nothing else, no frames.
std::string page_security_policy();

/// OpenAPI 3 description (hardy/serve/openapi.json) with the program's version.
std::string openapi_text();

}  // namespace hardy
