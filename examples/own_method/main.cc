// hardy with one method more: every command of hardy, on runs and models of every method.
#include <memory>

#include "hardy/version.h"
#include "methods/method.h"

namespace hardy {

MethodDeclaration declare_tiny();
std::unique_ptr<const Method> make_tiny();
void add_tiny_network();

}  // namespace hardy

int main(int argc, char** argv) {
  hardy::add_method(hardy::declare_tiny(), hardy::make_tiny());
  hardy::add_tiny_network();
  return hardy::run_program({argv, argv + argc});
}
