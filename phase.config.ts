import { defineConfig } from 'triphase';

// The example application, a bookshop: its files are in db/ and lib/. `npm run demo` deploys it.
export default defineConfig({
  release: '1.7.0',
});
