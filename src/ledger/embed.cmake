# Writes schema.sql as a C++ header: cmake -DIN=schema.sql -DOUT=schema_sql.hpp -P embed.cmake
file(READ ${IN} sql)
file(WRITE ${OUT} "#pragma once\nnamespace jobrun {\ninline constexpr const char schema_sql[] = R\"sql~(${sql})sql~\";\n}  // namespace jobrun\n")
