/**
 * The Node that the package needs, checked before anything else is loaded: this file must parse on a Node that is too
 * old.
 */
const needed = [20, 19];

/** Ends the process with one clear line if this Node is older than package.json's "engines". */
export function requireNode(version = process.versions.node) {
  if (isNewEnough(version)) return;
  process.stderr.write(
    `repaint-webgpu needs Node ${needed.join(".")} or newer, this is ${version}: install it from nodejs.org\n`,
  );
  process.exit(1);
}

export function isNewEnough(version) {
  const [major, minor] = version.split(".").map(Number);
  return major > needed[0] || (major === needed[0] && minor >= needed[1]);
}
