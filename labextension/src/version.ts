/** The version of this panel; a test compares it with package.json and with that of the Python package. */
export const VERSION = '0.1.0';
