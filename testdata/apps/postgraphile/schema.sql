-- The data behind PostGraphile: keys that the database makes, times, JSON, an enum, a check, functions.
CREATE TYPE mood AS ENUM ('calm', 'busy');
CREATE TABLE people (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  name text NOT NULL UNIQUE CHECK (length(name) > 1),
  mood mood NOT NULL DEFAULT 'calm',
  score numeric(10, 3),
  settings jsonb NOT NULL DEFAULT '{}',
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE posts (
  id serial PRIMARY KEY,
  author_id uuid NOT NULL REFERENCES people ON DELETE CASCADE,
  title text NOT NULL,
  body text,
  tags text[] NOT NULL DEFAULT '{}',
  published date
);
CREATE INDEX ON posts (author_id);
CREATE INDEX ON posts (title);
CREATE FUNCTION people_shout(person people) RETURNS text LANGUAGE sql STABLE AS
$$ SELECT upper(person.name) || '!' $$;
CREATE FUNCTION add_numbers(a int, b int) RETURNS int LANGUAGE sql IMMUTABLE AS $$ SELECT a + b $$;
CREATE FUNCTION search_posts(term text) RETURNS SETOF posts LANGUAGE sql STABLE AS
$$ SELECT * FROM posts WHERE title ILIKE '%' || term || '%' ORDER BY id $$;
