declare module '*.svg' {
  const value: string;
  export default value;
}

declare module '*.md' {
  const text: string;
  export default text;
}
