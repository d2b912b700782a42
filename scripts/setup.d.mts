/** Types of setup.mjs, which is plain JavaScript because it runs before TypeScript is installed. */
export class SetUpError extends Error {}
export function setUp(root?: string): Promise<void>;
export function isInstalled(root: string): Promise<boolean>;
export function isBuilt(root: string): Promise<boolean>;
export function setUpPackages(root: string): Promise<void>;
