# Writes OUTPUT, a C++ source with the functions of src/serve/pages.h: PAGE and OPENAPI as they are
# on disk, @VERSION@ in them replaced.
# Without it CMake itself would replace the @VERSION@ below before anything is searched for it.
cmake_policy(SET CMP0053 NEW)
file(READ ${PAGE} page)
file(READ ${OPENAPI} openapi)
string(REPLACE "@VERSION@" "${VERSION}" page "${page}")
string(REPLACE "@VERSION@" "${VERSION}" openapi "${openapi}")
file(WRITE ${OUTPUT} "#include \"serve/pages.h\"

namespace hardy {

std::string playground_page() {
  return R\"embedded(${page})embedded\";
}

std::string openapi_text() {
  return R\"embedded(${openapi})embedded\";
}

}  // namespace hardy
")
