/** The package's version where no package.json can be read; test/architecture.test.ts keeps it the same. */
export const version = "0.1.0";
