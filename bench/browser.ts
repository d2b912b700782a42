export const benchInBrowser = (..._: unknown[]): never => { throw new Error("todo"); };
