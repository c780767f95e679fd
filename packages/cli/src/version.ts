/** The release, which is that of all packages: a test holds it to package.json. */
export const VERSION = "0.1.0";
