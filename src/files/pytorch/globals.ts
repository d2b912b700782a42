/**
 * The line between what a checkpoint's pickle may ask for and what is refused by name. Nothing is ever called: "calls"
 * are the few constructors below, written here. Everything else falls into one of three kinds:
 *
 * - *inert*: classes that stand beside state dicts in training checkpoints (Namespace, Path, numpy numbers …), and
 *   instances of anybody's own class: they become an `Inert` placeholder, and are an error only where a tensor is
 *   needed;
 * - a mention of one of Python's own modules outside these tables: refused (`os.system`, `builtins.eval`,
 *   `subprocess.Popen`);
 * - a call of anything outside these tables: refused, but for what members of enumerations are written as.
 *
 * Not here: opcodes (opcodes.ts), which tensors are the network's (stateDict.ts).
 */
import type { Budget } from "./operands.ts";
import { showGlobal } from "./pickle.ts";
import type { PickleWorld } from "./pickleMachine.ts";
import { pythonModules } from "./pythonModules.ts";
import type { Fail } from "./reader.ts";
import { rebuildTensor, rebuildTensorV3, storageOf } from "./torchObjects.ts";
import { Global, Inert, Tensor } from "./values.ts";

type Call = (args: unknown[], context: { budget: Budget; fail: Fail }) => unknown;

const firstTensor: Call = ([tensor], { fail }) =>
  tensor instanceof Tensor ? tensor : fail("expected a parameter to hold a tensor");

const makeDict: Call = ([items], { budget, fail }) => {
  const pairs = items instanceof Map ? [...items] : items;
  if (!(pairs === undefined || Array.isArray(pairs))) return fail("expected a dict to be made of pairs");
  budget.spend(256 + 64 * (pairs?.length ?? 0));
  const dict = new Map<unknown, unknown>();
  for (const pair of pairs ?? []) {
    if (!Array.isArray(pair) || pair.length !== 2) return fail("expected a dict to be made of pairs");
    dict.set(pair[0], pair[1]);
  }
  return dict;
};

const calls: ReadonlyMap<string, Call> = new Map<string, Call>([
  ["collections.OrderedDict", makeDict],
  // Its first argument makes the default value.
  ["collections.defaultdict", ([, ...rest], context) => makeDict(rest, context)],
  ["torch.Size", ([items], { fail }) => (Array.isArray(items) ? items : fail("expected a torch.Size of numbers"))],
  ["torch._utils._rebuild_tensor", rebuildTensor],
  ["torch._utils._rebuild_tensor_v2", rebuildTensor],
  ["torch._utils._rebuild_tensor_v3", rebuildTensorV3],
  ["torch._utils._rebuild_parameter", firstTensor],
  ["torch._utils._rebuild_parameter_with_state", firstTensor],
  [
    // (function, class, arguments, attributes) of a tensor of a subclass or with attributes.
    "torch._tensor._rebuild_from_type_v2",
    ([callable, , args], context) => {
      const rebuild = callable instanceof Global ? rebuilds.get(callable.qualifiedName) : undefined;
      if (!rebuild) return context.fail(`its pickle asks to call ${showGlobal(callable)}, which is refused`);
      return Array.isArray(args) ? rebuild(args, context) : context.fail("expected a tensor's arguments in a tuple");
    },
  ],
]);
const rebuilds: ReadonlyMap<string, Call> = new Map([...calls].filter(([name]) => name.startsWith("torch._utils.")));

const inertCalls = new Set(
  [
    "argparse.Namespace types.SimpleNamespace copyreg._reconstructor copy_reg._reconstructor _codecs.encode",
    "pathlib.Path pathlib.PosixPath pathlib.WindowsPath pathlib.PurePosixPath pathlib.PureWindowsPath",
    "pathlib._local.PosixPath pathlib._local.WindowsPath",
    "datetime.datetime datetime.date datetime.time datetime.timedelta datetime.timezone",
    "collections.Counter collections.deque decimal.Decimal uuid.UUID",
    ...["builtins", "__builtin__"].map((module) =>
      "set frozenset bytearray bytes complex slice range xrange list dict tuple".replaceAll(
        /\w+/g,
        (name) => `${module}.${name}`,
      ),
    ),
    ...["numpy.core.multiarray", "numpy._core.multiarray"].map((module) => `${module}.scalar ${module}._reconstruct`),
    "numpy.dtype numpy.ndarray numpy.core.numeric._frombuffer numpy._core.numeric._frombuffer",
    "numpy.random._pickle.__randomstate_ctor numpy.random._pickle.__generator_ctor numpy.random.__RandomState_ctor",
    "numpy.random._pickle.__bit_generator_ctor random.Random",
    // What they would call and look up is a name like any other, and a mention of Python's own stays refused.
    "functools.partial re._compile logging.getLogger copyreg.__newobj__ copyreg.__newobj_ex__",
    "torch.device torch.serialization._get_layout torch.Tensor torch.nn.parameter.Parameter",
  ].flatMap((names) => names.split(" ")),
);

/** Of Python's own, only to be mentioned: types as values, bases and default factories. */
const inertMentions = new Set(
  ["builtins", "__builtin__"]
    .flatMap((module) =>
      ["int", "float", "bool", "str", "object", "type", "unicode", "long"].map((name) => `${module}.${name}`),
    )
    .concat("builtins.Ellipsis", "builtins.NotImplemented", "typing.Any", "typing.Union", "typing.Dict", "typing.List"),
);

const attributes = new Set(["builtins.getattr", "__builtin__.getattr"]);

/** getattr(class, "MEMBER"), as Python 3.11 writes a member of an enumeration or a method of a class. */
function isMember(qualifiedName: string, args: readonly unknown[]): boolean {
  const [owner, name] = args;
  const isOwner = owner instanceof Global || owner instanceof Inert;
  return (
    attributes.has(qualifiedName) && args.length === 2 && isOwner && typeof name === "string" && !name.startsWith("__")
  );
}

/** Class(value) of a class of somebody's own, as other Pythons write a member of an enumeration. */
function isEnumeration(qualifiedName: string, args: readonly unknown[]): boolean {
  const [value] = args;
  const isValue =
    typeof value === "number" ||
    typeof value === "boolean" ||
    (typeof value === "string" && /^[\w.-]{1,64}$/.test(value));
  return (
    args.length === 1 && isValue && !/^(torch|numpy)\./.test(qualifiedName) && /\.[A-Z][a-z]\w*$/.test(qualifiedName)
  );
}

const suspicious = "do not load this file in Python either, unless you know who made it and why";
const unknown = "if you trust the file, load it in PyTorch and save only its state dict";

/** The world of a checkpoint's pickle. `format` says how persistent ids are read; raw pickles have none. */
export function checkpointWorld(format: "zip" | "legacy" | "raw", budget: Budget, fail: Fail): PickleWorld {
  const refuse = (what: string, remedy: string): never =>
    fail(`its pickle asks ${what}, which no state dict needs: refused, nothing was executed; ${remedy}`);
  return {
    find(module, name) {
      budget.spend(64 + 2 * (module.length + name.length));
      const qualifiedName = `${module}.${name}`;
      const isKnown = [calls, inertCalls, inertMentions, attributes].some((table) => table.has(qualifiedName));
      const root = module.split(".", 1)[0]!;
      const isPythons = pythonModules.has(root) || (root.startsWith("_") && root !== "__main__");
      const global = new Global(qualifiedName);
      return isKnown || !isPythons ? global : refuse(`for ${showGlobal(global)}`, suspicious);
    },
    call(callable, args, how) {
      if (!(callable instanceof Global))
        return fail(`expected its pickle to call a global, got ${showGlobal(callable)}`);
      if (!Array.isArray(args)) return fail(`expected arguments for ${showGlobal(callable)} in a tuple`);
      const { qualifiedName } = callable;
      const call = calls.get(qualifiedName);
      budget.spend(64);
      if (call) return call(args, { budget, fail });
      if (how === "new" || inertCalls.has(qualifiedName)) {
        const [first] = args;
        const isInstance = /\.(_reconstructor|__newobj(_ex)?__)$/.test(qualifiedName) && first instanceof Global;
        return new Inert(isInstance ? first.qualifiedName : qualifiedName);
      }
      if (isMember(qualifiedName, args) || isEnumeration(qualifiedName, args)) return new Inert(qualifiedName);
      return refuse(`to call ${showGlobal(callable)}`, attributes.has(qualifiedName) ? suspicious : unknown);
    },
    persistent(id) {
      if (format === "raw") return fail("expected a plain pickle to hold no storages, got a reference to one");
      // Source code of a module class that old PyTorch kept for a warning: ("module", class, file, text).
      if (format === "legacy" && Array.isArray(id) && id[0] === "module") return id[1] ?? null;
      budget.spend(128);
      return storageOf(id, format, fail);
    },
  };
}
