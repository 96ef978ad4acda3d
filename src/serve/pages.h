// Texts that the service hands out as they are; embedded when the program is built.
#pragma once

#include <string>

namespace hardy {

/// The playground (hardy/serve/playground.html).
std::string playground_page();

/// OpenAPI 3 description (hardy/serve/openapi.json) with the program's version.
std::string openapi_text();

}  // namespace hardy
