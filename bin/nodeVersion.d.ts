/** Types of nodeVersion.js, which must run before anything is compiled. */
export function requireNode(version?: string): void;
export function isNewEnough(version: string): boolean;
