import tseslint from 'typescript-eslint';

export default tseslint.config(
  { ignores: ['lib', 'built', 'node_modules', 'src/api/schema.ts'] },
  ...tseslint.configs.recommendedTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/explicit-function-return-type': ['error', { allowExpressions: true }],
      '@typescript-eslint/no-floating-promises': ['error', { ignoreVoid: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      'max-lines': ['error', 400],
      '@typescript-eslint/unbound-method': 'off', // Lumino's connect takes the object besides the method
      eqeqeq: ['error', 'smart']
    }
  }
);
