// Objects of the allow-listed names: containers, numpy arrays and scalars, torch tensors.
#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "formats/pickle_machine.h"
#include "formats/text.h"

namespace hardy {
namespace {

using Callable = PickleCallable;

bool is_known_size(char type, std::int64_t size) {
  switch (type) {
    case 'f':
      return size == 2 || size == 4 || size == 8;
    case 'i':
    case 'u':
      return size == 1 || size == 2 || size == 4 || size == 8;
    case 'b':
      return size == 1;
    case 'U':
      return size >= 4 && size % 4 == 0;
    case 'S':
      return size >= 1;
    case 'O':
      return true;
    default:
      return false;
  }
}

constexpr std::array kByteOrders = {"<", ">", "|", "="};

/// Whether numpy knows a state of this version: 0 to `newest`.
bool is_version(PickleRef value, std::int64_t newest) {
  return value->kind() == PickleKind::kInteger && value->integer() >= 0 &&
         value->integer() <= newest;
}

bool is_text(PickleRef value) {
  return value->kind() == PickleKind::kText || value->kind() == PickleKind::kBytes;
}

bool is_text_of(PickleRef value, std::string_view text) {
  return is_text(value) && value->bytes() == text;
}

}  // namespace

bool PickleMachine::run_object(unsigned char opcode) {
  switch (opcode) {
    case 'c': {
      const std::string_view module = take_line();
      push_global(module, take_line());
      return true;
    }
    case 0x93: {
      const PickleValue* name = pop();
      const PickleValue* module = pop();
      expect(is_text(name) && is_text(module), "a name to import is not a text");
      push_global(module->bytes(), name->bytes());
      return true;
    }
    case 'R':
    case 0x81:
      reduce();
      return true;
    case 0x92:  // an object made with named arguments, which only a class of its own has
      if (!keeps_opaque_) return false;
      pop();
      reduce();
      return true;
    case 'b':
      build();
      return true;
    case 'Q':
      push(make_storage(pop()));
      return true;
    default:
      return false;
  }
}

void PickleMachine::push_global(std::string_view module, std::string_view name) {
  const auto index = find_pickle_global(module, name);
  if (!index && keeps_opaque_) {
    charge(module.size() + name.size());
    push_opaque(fmt::format("{}.{}", module, name));
    return;
  }
  if (!index) {
    refuse(fmt::format(
        "it refers to '{}.{}', which is not plain data; pickles are read, never run: {}",
        module.substr(0, 80), name.substr(0, 80), pickle_advice(module)));
  }
  PickleValue* value = make(PickleKind::kGlobal);
  value->payload_ = static_cast<std::int64_t>(*index);
  push(value);
}

void PickleMachine::push_opaque(const std::string& name) {
  PickleValue* text = make_text(readable(name));
  PickleValue* value = make(PickleKind::kOpaque);
  value->payload_ = std::vector<PickleRef>{};
  store(value, text);
  push(value);
}

void PickleMachine::reduce() {
  PickleValue* arguments = pop();
  const PickleValue* callable = pop();
  expect(arguments->kind_ == PickleKind::kTuple, "the arguments of a call are not a tuple");
  if (callable->kind_ == PickleKind::kOpaque) {
    const auto name = callable->global_name();
    charge(name.size());
    push_opaque(std::string(name));
    return;
  }
  if (callable->kind_ != PickleKind::kGlobal) {
    refuse(fmt::format("it calls {}, which cannot be called", callable->describe()));
  }
  const auto index = static_cast<std::size_t>(std::get<std::int64_t>(callable->payload_));
  push(call(pickle_globals()[index], arguments));
}

PickleValue* PickleMachine::call(const PickleGlobal& global, PickleValue* arguments) {
  const std::vector<PickleRef>& given = items_of(arguments);
  switch (global.callable) {
    case Callable::kSet:
      return call_container(PickleKind::kSet, given);
    case Callable::kList:
      return call_container(PickleKind::kList, given);
    case Callable::kTuple:
      return call_container(PickleKind::kTuple, given);
    case Callable::kDict:
      return call_container(PickleKind::kDict, given);
    case Callable::kDefaultDict:
      return call_container(PickleKind::kDict, {});
    case Callable::kBytes:
      return call_bytes(given);
    case Callable::kNumpyDtype:
      return call_dtype(given);
    case Callable::kNumpyReconstruct:
      return make_array();
    case Callable::kNumpyScalar:
      return call_scalar(given);
    case Callable::kNumpyFromBuffer:
      return call_from_buffer(given);
    case Callable::kCodecsEncode:
      return call_encode(given);
    case Callable::kTorchTensor:
      return call_tensor(given);
    case Callable::kTorchParameter:
      expect(!given.empty() && given[0]->kind() == PickleKind::kTensor,
             "a torch parameter without its tensor");
      return call_tensor(given[0]->items());
    case Callable::kNothing:
      break;
  }
  refuse(fmt::format("it calls '{}', which is not needed for plain data", global.name));
}

PickleValue* PickleMachine::call_container(PickleKind kind,
                                           const std::vector<PickleRef>& arguments) {
  PickleValue* made = make(kind);
  made->payload_ = std::vector<PickleRef>{};
  expect(arguments.size() <= 1, "a collection is made from several arguments");
  if (arguments.empty()) return made;
  const PickleRef source = arguments[0];
  const bool is_collection = source->kind() == PickleKind::kList ||
                             source->kind() == PickleKind::kTuple ||
                             source->kind() == PickleKind::kSet;
  const bool is_copied_dict = kind == PickleKind::kDict && source->kind() == PickleKind::kDict;
  expect(is_collection || is_copied_dict, "a collection is made from something else than a list");
  charge(source->items().size() * 2 * sizeof(PickleRef));
  for (const PickleRef item : source->items()) {
    if (kind != PickleKind::kDict || is_copied_dict) {
      store(made, item);
      continue;
    }
    const bool is_pair =
        (item->kind() == PickleKind::kTuple || item->kind() == PickleKind::kList) &&
        item->items().size() == 2;
    expect(is_pair, "a dict is made from something else than pairs");
    store(made, item->items()[0]);
    store(made, item->items()[1]);
  }
  return made;
}

PickleValue* PickleMachine::call_bytes(const std::vector<PickleRef>& arguments) {
  if (arguments.empty()) return make_bytes({});
  expect(is_text(arguments[0]), "bytes are made from something else than bytes");
  if (arguments[0]->kind() == PickleKind::kText) return call_encode(arguments);
  charge(arguments[0]->bytes().size());
  return make_bytes(std::string(arguments[0]->bytes()));
}

PickleValue* PickleMachine::call_encode(const std::vector<PickleRef>& arguments) {
  // Without an encoding Python takes UTF-8; no program writes that.
  const bool is_latin1 = arguments.size() == 2 && arguments[0]->kind() == PickleKind::kText &&
                         is_text_of(arguments[1], "latin1");
  expect(is_latin1, "bytes are not encoded as Latin-1");
  charge(arguments[0]->bytes().size());
  auto bytes = utf8_to_latin1(arguments[0]->bytes());
  expect(bytes.has_value(), "bytes hold a character beyond Latin-1");
  return make_bytes(std::move(*bytes));
}

PickleValue* PickleMachine::call_dtype(const std::vector<PickleRef>& arguments) {
  expect(!arguments.empty() && is_text(arguments[0]), "a numpy type without its name");
  std::string_view code = arguments[0]->bytes();
  PickleDtype dtype;
  if (!code.empty() && (code[0] == '<' || code[0] == '>' || code[0] == '|')) {
    dtype.is_big_endian = code[0] == '>';
    code.remove_prefix(1);
  }
  const auto size = to_integer(code.substr(code.empty() ? 0 : 1));
  if (size && *size >= 0 && *size <= (std::int64_t{1} << 32)) {
    dtype.type = code[0];
    dtype.size = code[0] == 'U' ? *size * 4 : *size;
  }
  // "U0" precedes the actual size, which follows in the state.
  const bool is_text_type = dtype.type == 'U' || dtype.type == 'S';
  if (!is_known_size(dtype.type, dtype.size) && !(is_text_type && dtype.size == 0)) {
    refuse(
        fmt::format("the numpy type '{}' is not supported; known are f2 f4 f8, i and u of 1 to 8 "
                    "bytes, b1, U, S and O",
                    arguments[0]->bytes().substr(0, 40)));
  }
  PickleValue* made = make(PickleKind::kDtype);
  made->payload_ = dtype;
  return made;
}

PickleValue* PickleMachine::call_scalar(const std::vector<PickleRef>& arguments) {
  expect(
      arguments.size() == 2 && arguments[0]->kind() == PickleKind::kDtype && is_text(arguments[1]),
      "a numpy scalar without its type and bytes");
  PickleArray scalar;
  scalar.dtype = std::get<PickleDtype>(arguments[0]->payload_);
  scalar.data = arguments[1];
  expect(is_known_size(scalar.dtype.type, scalar.dtype.size) && scalar.dtype.type != 'O' &&
             static_cast<std::size_t>(scalar.dtype.size) == arguments[1]->bytes().size(),
         "a numpy scalar whose bytes do not fit its type");
  if (scalar.dtype.type == 'U' || scalar.dtype.type == 'S') {
    charge(2 * arguments[1]->bytes().size());
    return make_text(array_text(scalar, 0));
  }
  const double value = array_real(scalar, 0);
  if (scalar.dtype.type == 'f') return make_real(value);
  if (scalar.dtype.type == 'b') return make_bool(value != 0);
  return make_integer(array_integer(scalar, 0));
}

PickleValue* PickleMachine::make_array() {
  PickleValue* made = make(PickleKind::kArray);
  charge(sizeof(PickleArray));
  made->payload_ = std::make_unique<PickleArray>();
  return made;
}

PickleValue* PickleMachine::call_from_buffer(const std::vector<PickleRef>& arguments) {
  expect(arguments.size() == 4 && is_text(arguments[3]), "a numpy buffer lacks its description");
  PickleValue* made = make_array();
  fill_array(made, arguments[2], arguments[1], arguments[0]);
  std::get<std::unique_ptr<PickleArray>>(made->payload_)->is_fortran =
      is_text_of(arguments[3], "F");
  return made;
}

void PickleMachine::fill_array(PickleValue* value, PickleRef shape, PickleRef dtype,
                               PickleRef data) {
  PickleArray& array = *std::get<std::unique_ptr<PickleArray>>(value->payload_);
  expect(array.data == nullptr, "a numpy array is filled twice");
  expect(shape->kind() == PickleKind::kTuple && shape->items().size() <= 32 &&
             dtype->kind() == PickleKind::kDtype,
         "a numpy array lacks its shape or type");
  array.dtype = std::get<PickleDtype>(dtype->payload_);
  expect(is_known_size(array.dtype.type, array.dtype.size), "a numpy array of unknown type");
  std::int64_t count = 1;
  charge(shape->items().size() * sizeof(std::int64_t));
  for (const PickleRef extent : shape->items()) {
    expect(extent->kind() == PickleKind::kInteger && extent->integer() >= 0,
           "an extent of a numpy array is not a count");
    array.shape.push_back(extent->integer());
    expect(!__builtin_mul_overflow(count, extent->integer(), &count),
           "a numpy array is larger than memory");
  }
  const bool is_object = array.dtype.type == 'O';
  expect(is_object ? data->kind() == PickleKind::kList : is_text(data),
         "a numpy array lacks its data");
  const std::size_t held = is_object ? data->items().size() : data->bytes().size();
  std::int64_t needed = count;
  expect(is_object || !__builtin_mul_overflow(count, array.dtype.size, &needed),
         "a numpy array is larger than memory");
  if (held != static_cast<std::size_t>(needed)) {
    refuse(fmt::format("a numpy array holds {} where its shape needs {}", held, needed));
  }
  data->is_part_ = true;
  array.data = data;
  if (data->depth_ + 1 > kMaxPickleDepth) refuse("it is nested too deeply");
  value->depth_ = static_cast<std::uint16_t>(data->depth_ + 1);
  add_weight(value, data->weight_);
}

void PickleMachine::build() {
  const PickleValue* state = pop();
  PickleValue* value = top();
  if (value->kind_ == PickleKind::kOpaque) {
    // A state that leads back to the object is left out: values have no cycles.
    if (!value->is_part_ && items_of(value).size() == 1) store(value, state);
    return;
  }
  require_unshared(value);
  switch (value->kind_) {
    case PickleKind::kDtype:
      return build_dtype(value, state);
    case PickleKind::kArray:
      return build_array(value, state);
    case PickleKind::kDict:
      // Attributes of a state dict (its _metadata) hold versions of modules, no values.
      expect(state->kind_ == PickleKind::kDict, "the attributes of a dict are not a dict");
      return;
    default:
      refuse(fmt::format("it sets the state of {}", value->describe()));
  }
}

void PickleMachine::build_dtype(PickleValue* value, PickleRef state) {
  expect(state->kind() == PickleKind::kTuple && state->items().size() >= 8,
         "the state of a numpy type is too short");
  const auto& parts = state->items();
  expect(is_version(parts[0], 4), "a numpy type of an unknown version");
  for (std::size_t i = 2; i <= 4; ++i) {
    expect(parts[i]->kind() == PickleKind::kNone, "records of named fields are not supported");
  }
  auto& dtype = std::get<PickleDtype>(value->payload_);
  const bool has_order = std::any_of(std::begin(kByteOrders), std::end(kByteOrders),
                                     [&](const char* each) { return is_text_of(parts[1], each); });
  expect(has_order, "a numpy type without its byte order");
  dtype.is_big_endian = is_text_of(parts[1], ">");
  if (dtype.type != 'U' && dtype.type != 'S') return;
  expect(parts[5]->kind() == PickleKind::kInteger, "a numpy text type without its size");
  dtype.size = parts[5]->integer();
  expect(is_known_size(dtype.type, dtype.size), "a numpy text type of an impossible size");
}

void PickleMachine::build_array(PickleValue* value, PickleRef state) {
  expect(state->kind() == PickleKind::kTuple && state->items().size() == 5,
         "the state of a numpy array has not five parts");
  const auto& parts = state->items();
  expect(is_version(parts[0], 1), "a numpy array of an unknown version");
  fill_array(value, parts[1], parts[2], parts[4]);
  expect(parts[3]->kind() == PickleKind::kBool || parts[3]->kind() == PickleKind::kInteger,
         "the order of a numpy array is not a boolean");
  std::get<std::unique_ptr<PickleArray>>(value->payload_)->is_fortran = parts[3]->integer() != 0;
}

PickleValue* PickleMachine::make_storage(PickleValue* id) {
  const bool is_storage =
      id->kind_ == PickleKind::kTuple && items_of(id).size() >= 5 &&
      is_text_of(items_of(id)[0], "storage") && items_of(id)[1]->kind() == PickleKind::kGlobal &&
      is_text(items_of(id)[2]) && items_of(id)[4]->kind() == PickleKind::kInteger;
  expect(is_storage, "it refers to something outside that is not a torch storage");
  PickleValue* made = make(PickleKind::kStorage);
  made->payload_ = std::vector<PickleRef>{};
  for (std::size_t i = 1; i < 5; ++i) store(made, items_of(id)[i]);
  return made;
}

PickleValue* PickleMachine::call_tensor(const std::vector<PickleRef>& arguments) {
  const bool is_tensor = arguments.size() >= 4 && arguments[0]->kind() == PickleKind::kStorage &&
                         arguments[1]->kind() == PickleKind::kInteger &&
                         arguments[2]->kind() == PickleKind::kTuple &&
                         arguments[3]->kind() == PickleKind::kTuple;
  expect(is_tensor, "a torch tensor lacks its storage, offset, shape or strides");
  for (const PickleRef part : {arguments[2], arguments[3]}) {
    for (const PickleRef extent : part->items()) {
      expect(extent->kind() == PickleKind::kInteger, "a torch shape holds no integers");
    }
  }
  PickleValue* made = make(PickleKind::kTensor);
  made->payload_ = std::vector<PickleRef>{};
  for (std::size_t i = 0; i < 4; ++i) store(made, arguments[i]);
  return made;
}

}  // namespace hardy
